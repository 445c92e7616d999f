import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../static/js/api/error.js";
import { staleNote } from "../../../static/js/ui/status_line.js";
import { apiOf, eye, gone, overviewOf, sessionOf } from "../servers.js";
import { captureOf, matrixOf } from "../worlds.js";

/** A session whose first run succeeds. Later runs show one layer and fail. @param {object} [replaced] */
function failingSecondRun(replaced) {
  let runs = 0;
  const run = (/** @type {any} */ _, /** @type {any} */ { onLayer }) => {
    runs += 1;
    if (runs === 1) return overviewOf(captureOf(["a", "b", "c"]));
    onLayer({ ...overviewOf({ ...captureOf(["d"]), id: "" }), at: () => null });
    throw new ApiError(422, "too_many_tokens", "600 tokens, at most 512");
  };
  return sessionOf(apiOf({ run, ...replaced }).api);
}

test("after a failed run, the pictures of the previous text stay and are marked as stale", async () => {
  const { store, session } = failingSecondRun();
  await session.run();
  const { overview, pattern } = store.get();
  assert.equal(staleNote(store.get()), "");
  store.set({ text: "d" });
  await session.run();
  assert.equal(store.get().overview, overview);
  assert.equal(store.get().pattern, pattern);
  assert.match(staleNote(store.get()), /show the previous text/);
  assert.deepEqual(store.get().status, {
    kind: "error",
    message: "600 tokens, at most 512",
    retry: false,
    cuts: true,
    about: "text",
  });
});

test("a head of the previous text can be chosen after a failed run, although its capture was evicted", async () => {
  let evicted = false;
  /** @type {string[]} */
  const captured = [];
  const { store, session } = failingSecondRun({
    pattern: (/** @type {any} */ capture, /** @type {number} */ layer, /** @type {number} */ head) => {
      if (evicted && capture.id === "abc") throw gone();
      return { capture, layer, head, matrix: matrixOf(eye) };
    },
    capture: ({ text }) => {
      captured.push(text);
      return { ...captureOf(["a", "b", "c"]), id: "new" };
    },
  });
  await session.run();
  store.set({ text: "d" });
  await session.run();
  evicted = true;
  store.set({ layer: 1, head: 1 });
  await session.showHead();
  assert.deepEqual([captured, store.get().pattern.layer], [["a b c"], 1]);
});

test("a model that the hub cannot be asked for is an error at once, which can be tried again", async () => {
  const run = () => Promise.reject(new ApiError(503, "hub_unreachable", "the hub does not answer", 30));
  const { api, calls } = apiOf({ run });
  const { store, session } = sessionOf(api, { model: "owner/mistyped", chosenModels: ["owner/mistyped"] });
  await session.run();
  assert.deepEqual([calls.run, store.get().status.kind, store.get().status.retry], [1, "error", true]);
});
