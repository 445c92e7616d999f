import assert from "node:assert/strict";
import { test } from "node:test";
import { followScore } from "../../../static/js/state/score_order.js";
import { createStore, initialState } from "../../../static/js/state/store.js";
import { captureOf, scoreOf } from "../worlds.js";

/** @param {object} state @param {(number | null)[][]} [values] */
function pageOf(state, values = [[0.1, 0.9]]) {
  const overview = { capture: captureOf(["a"]) };
  const findings = { id: "abc", scores: [scoreOf(values)], roles: {} };
  const store = createStore(/** @type {any} */ ({ ...initialState(), overview, findings, ...state }));
  followScore(store);
  return store;
}

test("the heads are sorted by the chosen score", () => {
  const store = pageOf({ score: "previous" });
  assert.equal(store.get().order, null);
  store.set({ sort: true });
  assert.deepEqual(store.get().order, [
    { layer: 0, head: 1 },
    { layer: 0, head: 0 },
  ]);
});

test("heads are not sorted by a score of another text, or one that no head has", () => {
  const sorted = { score: "previous", sort: true };
  assert.equal(pageOf({ ...sorted, overview: { capture: { ...captureOf(["b"]), id: "def" } } }).get().order, null);
  assert.equal(pageOf(sorted, [[null, null]]).get().order, null);
});

test("a score that does not exist is removed, with a notice", () => {
  const { score, sort, notice } = pageOf({ score: "nonsense", sort: true }).get();
  assert.deepEqual([score, sort, notice], [null, false, "Ignored part of the link: score=nonsense"]);
});
