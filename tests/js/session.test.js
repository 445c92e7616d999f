import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../static/js/api.js";
import { patience, waiting } from "../../static/js/status.js";
import { apiOf, eye, gone, sessionOf } from "./servers.js";
import { captureOf, matrixOf } from "./worlds.js";

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
  assert.deepEqual([calls.capture, calls.pattern, store.get().status.kind], [2, 2, "done"]);
});

test("a capture that is gone again is an error and no loop", async () => {
  const { api, calls } = apiOf({ overview: () => Promise.reject(gone()) });
  const { store, session } = sessionOf(api);
  await session.run();
  assert.deepEqual([calls.capture, calls.overview], [2, 2]);
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
  assert.equal(calls.capture, 1);
  assert.deepEqual([store.get().overview, store.get().pattern], [null, null]);
});

test("a run that was overtaken writes nothing", async () => {
  /** @type {((capture: any) => void)[]} */
  const finish = [];
  const { api, calls } = apiOf({ capture: () => new Promise((resolve) => finish.push(resolve)) });
  const { store, session } = sessionOf(api);
  const slow = session.run();
  store.set({ text: "b" });
  const quick = session.run();
  finish[1](captureOf(["b"]));
  await quick;
  finish[0](captureOf(["a", "b", "c"]));
  await slow;
  assert.equal(store.get().overview.capture.tokens.length, 1);
  assert.match(store.get().status.message, /^1 token,/);
  // Nor does it ask on: its question would abort that of the newer run.
  assert.equal(calls.overview, 1);
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
  const capture = () => {
    if (broken) throw new ApiError(422, "too_many_tokens", "600 tokens, at most 512");
    return captureOf(["a", "b", "c"]);
  };
  const { store, session } = sessionOf(apiOf({ capture }).api);
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
  const capture = () => {
    if (!free) throw busy;
    return captureOf(["a"]);
  };
  const { api, calls } = apiOf({ capture });
  const { store, session } = sessionOf(api);
  /** @type {string[]} */
  const said = [];
  store.subscribe((now) => {
    said.push(now.status.message);
    free = calls.capture === 2;
  });
  await session.run();
  assert.ok(said.includes("the server is busy with other texts: trying again in 2 s (1 of 9)"));
  assert.deepEqual([calls.capture, store.get().status.kind], [3, "done"]);
});

test("patience ends, and is not wasted on what waiting does not mend", () => {
  const busy = new ApiError(503, "busy", "32 wait already", 2);
  assert.equal(patience(busy, 10), null);
  assert.equal(patience(new ApiError(503, "device_missing", "no such device"), 1), null);
  assert.equal(patience(new Error("else"), 1), null);
});

test("a server that wants its key is asked again with the one that is given", async () => {
  let [code, asked] = ["key_refused", 0];
  const capture = () => {
    asked += 1;
    if (code) throw new ApiError(401, code, "this server wants its key");
    return captureOf(["a"]);
  };
  const { store, session } = sessionOf(apiOf({ capture }).api);
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
