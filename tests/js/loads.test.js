import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../static/js/api/error.js";
import { apiOf, overviewOf, sessionOf } from "./servers.js";
import { captureOf } from "./worlds.js";

/** A load that tells this, and a capture that waits for it. @param {any[]} told @param {Error} [error] */
function slowly(told, error) {
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
  const load = async (/** @type {string} */ _, /** @type {any} */ heard) => {
    for (const progress of told) {
      await null;
      heard(progress);
    }
    loaded();
    return settled();
  };
  return apiOf({ load, run: settled }).api;
}

/** Every message of the status, and the progress that came with it. @param {any} store */
function heardBy(store) {
  /** @type {any[]} */
  const said = [];
  store.subscribe((/** @type {any} */ now, /** @type {any} */ before) => {
    if (now.status !== before.status) said.push([now.status.message, now.status.progress?.bytes]);
  });
  return said;
}

test("the progress of loading the model is shown while the run waits for it", async () => {
  const stages = [
    { stage: "asking", bytes: 0, total: null },
    { stage: "downloading", bytes: 5, total: 10 },
    { stage: "reading", bytes: 10, total: 10 },
  ];
  const { store, session } = sessionOf(slowly(stages));
  const said = heardBy(store);
  await session.run();
  assert.deepEqual(said.slice(1, 4), [
    ["asking the hub for toy …", undefined],
    ["downloading toy", 5],
    ["loading toy …", undefined],
  ]);
  assert.match(said.at(-1)[0], /^3 tokens, 6 heads/);
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
