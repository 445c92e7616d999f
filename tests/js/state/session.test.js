import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../static/js/api/error.js";
import { waiting, waitToRetry } from "../../../static/js/state/status.js";
import { apiOf, eye, gone, overviewOf, sessionOf } from "../servers.js";
import { captureOf, matrixOf } from "../worlds.js";

test("a run shows the grid, a head and its status", async () => {
  const { store, session } = sessionOf(apiOf().api);
  await session.run();
  const { overview, pattern, layer, head, status } = store.get();
  assert.ok(overview);
  assert.deepEqual([pattern.layer, pattern.head], [layer, head]);
  assert.deepEqual(status, { kind: "done", message: "3 tokens, 6 heads, 0 ms" });
});

test("a chosen head stays chosen", async () => {
  const { store, session } = sessionOf(apiOf().api, { layer: 1, head: 2 });
  await session.run();
  assert.deepEqual([store.get().layer, store.get().head], [1, 2]);
});

test("a head that the model does not have is replaced by the default head, with a notice", async () => {
  const { store, session } = sessionOf(apiOf().api, { layer: 7, head: 2, notice: "Ignored part of the link: x=1" });
  await session.run();
  const { layer, head, pattern, status, notice } = store.get();
  assert.deepEqual([layer, head, pattern.layer, pattern.head, status.kind], [0, 0, 0, 0, "done"]);
  const instead = "There is no layer 7: toy has layers 0 to 1. Another head is shown.";
  assert.equal(notice, `Ignored part of the link: x=1. ${instead}`);
});

test("a head that is chosen while layers arrive is fetched after the last of them", async () => {
  const capture = captureOf(["a", "b", "c"]);
  const { api, calls } = apiOf({
    run: async (/** @type {any} */ _, /** @type {any} */ { onLayer }) => {
      onLayer(overviewOf({ ...capture, id: "" }));
      store.set({ layer: 1, head: 2 });
      await session.showHead();
      return overviewOf(capture);
    },
  });
  const { store, session } = sessionOf(api, { layer: 0, head: 0 });
  await session.run();
  assert.deepEqual([calls.pattern, store.get().pattern.layer, store.get().pattern.head], [1, 1, 2]);
});

test("choosing another head ends the error about a head", async () => {
  const pattern = (/** @type {any} */ capture, /** @type {number} */ layer, /** @type {number} */ head) => {
    if (layer === 0) throw new ApiError(0, "unreachable", "headscope does not answer");
    return { capture, layer, head, matrix: matrixOf(eye) };
  };
  const { store, session } = sessionOf(apiOf({ pattern }).api, { layer: 0, head: 2 });
  await session.run();
  assert.equal(store.get().status.kind, "error");
  store.set({ layer: 1 });
  await session.showHead();
  assert.deepEqual(store.get().status, { kind: "done", message: "3 tokens, 6 heads" });
  assert.equal(store.get().pattern.layer, 1);
});

test("an evicted capture is requested again, once", async () => {
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

test("a capture that is evicted again is an error, not a loop", async () => {
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

test("blank text sends no request and clears the page", async () => {
  const { api, calls } = apiOf();
  const { store, session } = sessionOf(api);
  await session.run();
  store.set({ text: " \n" });
  await session.run();
  assert.equal(calls.run, 1);
  assert.deepEqual([store.get().overview, store.get().pattern], [null, null]);
});

test("an older run changes nothing", async () => {
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
  // Nor does it send further requests, which would abort those of the newer run.
  assert.equal(calls.pattern, 1);
});

test("a run marks its model as ready in the list", async () => {
  const { store, session } = sessionOf(apiOf().api);
  await session.loadModels();
  assert.equal(store.get().models[0].state, "available");
  assert.equal(waiting(store.get()).message, "loading toy …");
  await session.run();
  assert.equal(store.get().models[0].state, "ready");
  assert.equal(waiting(store.get()).message, "running …");
});

test("a busy server is asked again after the time that it names", async () => {
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

test("retries are limited, and only for errors with a waiting time", () => {
  const busy = new ApiError(503, "busy", "32 wait already", 2);
  assert.equal(waitToRetry(busy, 10), null);
  assert.equal(waitToRetry(new ApiError(503, "device_missing", "no such device"), 1), null);
  assert.equal(waitToRetry(new Error("else"), 1), null);
});

test("after the key was entered, the run is repeated with it", async () => {
  let [code, asked] = ["key_refused", 0];
  const run = () => {
    asked += 1;
    if (code) throw new ApiError(401, code, "this server needs a key");
    return overviewOf(captureOf(["a"]));
  };
  const { store, session } = sessionOf(apiOf({ run }).api);
  await session.run();
  assert.deepEqual([store.get().apiKey, store.get().status.kind], ["required", "idle"]);
  await session.unlock("");
  assert.deepEqual([store.get().apiKey, asked], ["rejected", 1]);
  code = "key_wrong";
  await session.unlock("x");
  assert.equal(store.get().apiKey, "rejected");
  code = "";
  await session.unlock("y");
  assert.deepEqual([store.get().apiKey, store.get().status.kind], ["", "done"]);
});

test("while it runs, the page shows the queue, the progress and the layers so far", async () => {
  const growing = { ...overviewOf(captureOf(["a"])), at: () => null };
  const run = (/** @type {any} */ _, /** @type {any} */ { onQueued, onProgress, onLayer }) => {
    onQueued(2);
    onProgress({ tokens: 9000, done: 1, layers: 2, seconds: 12.4 });
    onLayer(growing);
    return overviewOf(captureOf(["a"]));
  };
  const { store, session } = sessionOf(apiOf({ run }).api);
  /** @type {any[]} */
  const seen = [];
  store.subscribe(({ status, overview }) => seen.push([status.message, overview === growing]));
  await session.run();
  assert.deepEqual(seen.slice(1, 4), [
    ["waiting for 2 other texts …", false],
    ["running … 9,000 tokens, layer 1 of 2, about 12 s in total", false],
    ["running … 9,000 tokens, layer 1 of 2, about 12 s in total", true],
  ]);
});

test("layers of an older run are not shown", async () => {
  /** @type {any} */
  let listener;
  const run = (/** @type {any} */ _, /** @type {any} */ given) => {
    listener ??= given;
    return overviewOf(captureOf(["a"]));
  };
  const { store, session } = sessionOf(apiOf({ run }).api);
  await session.run();
  await session.run();
  listener.onLayer({ ...overviewOf(captureOf(["old"])), at: () => null });
  assert.equal(store.get().overview.capture.tokens[0].text, "a");
  assert.equal(store.get().status.kind, "done");
});

test("after a failed load, the list of models is fetched again and has the reason", async () => {
  const refused = new ApiError(422, "unsupported_model", "config.json has auto_map");
  const { api } = apiOf({ run: () => Promise.reject(refused), load: () => Promise.reject(refused) });
  const { store, session } = sessionOf(api);
  await session.loadModels();
  const failed = { ...captureOf(["a"]).model, state: "failed", why: "config.json has auto_map" };
  api.models = async () => ({ default: "toy", models: [failed] });
  await session.run();
  assert.deepEqual(store.get().models, [failed]);
  assert.equal(store.get().status.message, "config.json has auto_map");
});

test("cancelling a run stops the wait for its model, and its late answer is not shown", async () => {
  /** @type {(overview: any) => void} */
  let finish = () => {};
  const { api } = apiOf({ run: () => new Promise((resolve) => (finish = resolve)), load: () => new Promise(() => {}) });
  /** @type {string[]} */
  const cancelled = [];
  api.cancel = async (/** @type {string} */ model) => cancelled.push(model);
  const { store, session } = sessionOf(api, { models: [{ ...captureOf(["a"]).model, state: "available" }] });
  const running = session.run();
  await session.cancel();
  assert.deepEqual(store.get().status, { kind: "idle", message: "cancelled", retry: true });
  assert.deepEqual(cancelled, ["toy"]);
  finish(overviewOf(captureOf(["a"])));
  await running;
  assert.equal(store.get().overview, null);
});

test("cancelling without a run does nothing", async () => {
  const { store, session } = sessionOf(apiOf().api);
  await session.run();
  const { status } = store.get();
  await session.cancel();
  assert.equal(store.get().status, status);
});
