import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../static/js/api/error.js";
import { patience, waiting } from "../../../static/js/state/status.js";
import { apiOf, eye, gone, overviewOf, sessionOf } from "../servers.js";
import { captureOf, matrixOf } from "../worlds.js";

test("a run ends with a grid, a head and a sentence", async () => {
  const { store, session } = sessionOf(apiOf().api);
  await session.run();
  const { overview, pattern, layer, head, status } = store.get();
  assert.ok(overview);
  assert.deepEqual([pattern.layer, pattern.head], [layer, head]);
  assert.deepEqual(status, { kind: "done", message: "3 tokens, 6 heads, 0 ms" });
});

test("a head that was chosen stays chosen", async () => {
  const { store, session } = sessionOf(apiOf().api, { layer: 1, head: 2 });
  await session.run();
  assert.deepEqual([store.get().layer, store.get().head], [1, 2]);
});

test("a head the model has not is named and not replaced by another", async () => {
  const { api, calls } = apiOf();
  const { store, session } = sessionOf(api, { layer: 7, head: 2 });
  await session.run();
  const { layer, head, overview, pattern, status } = store.get();
  assert.deepEqual(status, { kind: "error", message: "layer 7: toy has layers 0..1; choose a head in the grid" });
  assert.deepEqual([layer, head, pattern, calls.pattern], [7, 2, null, 0]);
  assert.ok(overview);
});

test("a head that is chosen while the layers arrive is fetched once they are all there, and not before", async () => {
  const capture = captureOf(["a", "b", "c"]);
  const { api, calls } = apiOf({
    run: async (/** @type {any} */ _, /** @type {any} */ { grown }) => {
      grown(overviewOf({ ...capture, id: "" }));
      store.set({ layer: 1, head: 2 });
      await session.showHead();
      return overviewOf(capture);
    },
  });
  const { store, session } = sessionOf(api, { layer: 0, head: 0 });
  await session.run();
  assert.deepEqual([calls.pattern, store.get().pattern.layer, store.get().pattern.head], [1, 1, 2]);
});

test("choosing a head that there is ends the error", async () => {
  const { store, session } = sessionOf(apiOf().api, { layer: 7, head: 2 });
  await session.run();
  store.set({ layer: 1 });
  await session.showHead();
  assert.deepEqual(store.get().status, { kind: "done", message: "3 tokens, 6 heads" });
  assert.equal(store.get().pattern.layer, 1);
});

test("a capture that is gone is asked for again, once", async () => {
  let first = true;
  const { api, calls } = apiOf({
    pattern: (/** @type {any} */ capture) => {
      if (!first) return { capture, layer: 0, head: 0, matrix: matrixOf(eye) };
      first = false;
      throw gone();
    },
  });
  const { store, session } = sessionOf(api, { layer: 0, head: 0 });
  await session.run();
  assert.deepEqual([calls.run, calls.capture, calls.pattern, store.get().status.kind], [1, 1, 2, "done"]);
});

test("a capture that is gone again is an error and no loop", async () => {
  const { api, calls } = apiOf({ pattern: () => Promise.reject(gone()) });
  const { store, session } = sessionOf(api);
  await session.run();
  assert.deepEqual([calls.run, calls.capture, calls.pattern], [1, 1, 2]);
  assert.deepEqual(store.get().status, {
    kind: "error",
    message: "the capture is gone",
    retry: true,
    cuts: false,
    about: undefined,
  });
});

test("blank text asks nothing and leaves nothing", async () => {
  const { api, calls } = apiOf();
  const { store, session } = sessionOf(api);
  await session.run();
  store.set({ text: " \n" });
  await session.run();
  assert.equal(calls.run, 1);
  assert.deepEqual([store.get().overview, store.get().pattern], [null, null]);
});

test("a run that was overtaken writes nothing", async () => {
  /** @type {((capture: any) => void)[]} */
  const finish = [];
  const { api, calls } = apiOf({ run: () => new Promise((resolve) => finish.push(resolve)) });
  const { store, session } = sessionOf(api);
  const slow = session.run();
  store.set({ text: "b" });
  const quick = session.run();
  finish[1](overviewOf(captureOf(["b"])));
  await quick;
  finish[0](overviewOf(captureOf(["a", "b", "c"])));
  await slow;
  assert.equal(store.get().overview.capture.tokens.length, 1);
  assert.match(store.get().status.message, /^1 token,/);
  // Nor does it ask on: its question would abort that of the newer run.
  assert.equal(calls.pattern, 1);
});

test("the picker learns that a model is ready from the answer to a run", async () => {
  const { store, session } = sessionOf(apiOf().api);
  await session.loadModels();
  assert.equal(store.get().models[0].state, "available");
  assert.equal(waiting(store.get()).message, "loading toy …");
  await session.run();
  assert.equal(store.get().models[0].state, "ready");
  assert.equal(waiting(store.get()).message, "running …");
});

test("a run that fails leaves no picture of another text", async () => {
  let broken = false;
  const run = () => {
    if (broken) throw new ApiError(422, "too_many_tokens", "600 tokens, at most 512");
    return overviewOf(captureOf(["a", "b", "c"]));
  };
  const { store, session } = sessionOf(apiOf({ run }).api);
  await session.run();
  broken = true;
  await session.run();
  assert.deepEqual([store.get().overview, store.get().pattern], [null, null]);
  assert.deepEqual(store.get().status, {
    kind: "error",
    message: "600 tokens, at most 512",
    retry: false,
    cuts: true,
    about: "text",
  });
});

test("a busy server is given the time it asks for, and asked again", async () => {
  let free = false;
  const busy = new ApiError(503, "busy", "32 wait already", 2);
  const run = () => {
    if (!free) throw busy;
    return overviewOf(captureOf(["a"]));
  };
  const { api, calls } = apiOf({ run });
  const { store, session } = sessionOf(api);
  /** @type {string[]} */
  const said = [];
  store.subscribe((now) => {
    said.push(now.status.message);
    free = calls.run === 2;
  });
  await session.run();
  assert.ok(said.includes("the server is busy with other texts: trying again in 2 s (1 of 9)"));
  assert.deepEqual([calls.run, store.get().status.kind], [3, "done"]);
});

test("patience ends, and is not wasted on what waiting does not mend", () => {
  const busy = new ApiError(503, "busy", "32 wait already", 2);
  assert.equal(patience(busy, 10), null);
  assert.equal(patience(new ApiError(503, "device_missing", "no such device"), 1), null);
  assert.equal(patience(new Error("else"), 1), null);
});

test("a server that wants its key is asked again with the one that is given", async () => {
  let [code, asked] = ["key_refused", 0];
  const run = () => {
    asked += 1;
    if (code) throw new ApiError(401, code, "this server wants its key");
    return overviewOf(captureOf(["a"]));
  };
  const { store, session } = sessionOf(apiOf({ run }).api);
  await session.run();
  assert.deepEqual([store.get().key, store.get().status.kind], ["wanted", "idle"]);
  await session.unlock("");
  assert.deepEqual([store.get().key, asked], ["wrong", 1]);
  code = "key_wrong";
  await session.unlock("x");
  assert.equal(store.get().key, "wrong");
  code = "";
  await session.unlock("y");
  assert.deepEqual([store.get().key, store.get().status.kind], ["", "done"]);
});

test("while it runs, the page says who goes first and shows the layers that are there", async () => {
  const growing = { ...overviewOf(captureOf(["a"])), at: () => null };
  const run = (/** @type {any} */ _, /** @type {any} */ { queued, running, grown }) => {
    queued(2);
    running({ tokens: 9000, done: 1, layers: 2, seconds: 12.4 });
    grown(growing);
    return overviewOf(captureOf(["a"]));
  };
  const { store, session } = sessionOf(apiOf({ run }).api);
  /** @type {any[]} */
  const seen = [];
  store.subscribe(({ status, overview }) => seen.push([status.message, overview === growing]));
  await session.run();
  assert.deepEqual(seen.slice(1, 4), [
    ["waiting: 2 other texts first", false],
    ["running … 9000 tokens, layer 1 of 2, about 12 s in all", false],
    ["running … 9000 tokens, layer 1 of 2, about 12 s in all", true],
  ]);
});

test("a run that was overtaken shows no layer more", async () => {
  /** @type {any} */
  let heard;
  const run = (/** @type {any} */ _, /** @type {any} */ told) => {
    heard ??= told;
    return overviewOf(captureOf(["a"]));
  };
  const { store, session } = sessionOf(apiOf({ run }).api);
  await session.run();
  await session.run();
  heard.grown({ ...overviewOf(captureOf(["old"])), at: () => null });
  assert.equal(store.get().overview.capture.tokens[0].text, "a");
  assert.equal(store.get().status.kind, "done");
});
