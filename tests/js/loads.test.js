import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../static/js/api/error.js";
import { apiOf, overviewOf, sessionOf } from "./servers.js";
import { captureOf } from "./worlds.js";

/** A load that reports these stages, and a run that waits for it. @param {any[]} stages @param {Error} [error] */
function slowly(stages, error) {
  /** @type {() => void} */
  let loaded = () => {};
  const over = new Promise((resolve) => {
    loaded = () => resolve(undefined);
  });
  const settled = async () => {
    await over;
    if (error) throw error;
    return overviewOf(captureOf(["a", "b", "c"]));
  };
  const load = async (/** @type {string} */ _, /** @type {any} */ onProgress) => {
    for (const progress of stages) {
      await null;
      onProgress(progress);
    }
    loaded();
    return settled();
  };
  return apiOf({ load, run: settled }).api;
}

/** All messages of the status, with their progress. @param {any} store */
function messagesOf(store) {
  /** @type {any[]} */
  const messages = [];
  store.subscribe((/** @type {any} */ now, /** @type {any} */ before) => {
    if (now.status !== before.status) messages.push([now.status.message, now.status.progress?.bytes]);
  });
  return messages;
}

test("the progress of loading the model is shown while the run waits for it", async () => {
  const stages = [
    { stage: "asking", bytes: 0, total: null },
    { stage: "downloading", bytes: 5, total: 10 },
    { stage: "reading", bytes: 10, total: 10 },
  ];
  const { store, session } = sessionOf(slowly(stages));
  const messages = messagesOf(store);
  await session.run();
  assert.deepEqual(messages.slice(1, 4), [
    ["asking the hub for toy …", undefined],
    ["downloading toy", 5],
    ["loading toy …", undefined],
  ]);
  assert.match(messages.at(-1)[0], /^3 tokens, 6 heads/);
});

test("a cancelled download can be tried again", async () => {
  const gone = new ApiError(409, "download_cancelled", "the download was cancelled");
  const { store, session } = sessionOf(slowly([{ stage: "downloading", bytes: 5, total: 10 }], gone));
  await session.run();
  assert.deepEqual(store.get().status, {
    kind: "error",
    message: "the download was cancelled",
    retry: true,
    cuts: false,
    about: undefined,
  });
});

test("a loaded model is not loaded again", async () => {
  let loads = 0;
  const { api } = apiOf({ load: async () => (loads += 1) });
  const { session } = sessionOf(api, { models: [captureOf(["a"]).model] });
  await session.run();
  assert.equal(loads, 0);
});
