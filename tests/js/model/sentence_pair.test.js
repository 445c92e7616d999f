import assert from "node:assert/strict";
import { test } from "node:test";
import { segmentsShown, segmentWindows } from "../../../static/js/model/sentence_pair.js";
import { initialState } from "../../../static/js/state/store.js";
import { captureOf, patternOf } from "../worlds.js";

function pair() {
  const pattern = patternOf(["[CLS]", "a", "[SEP]", "b"], Array(4).fill([0.25, 0.25, 0.25, 0.25]));
  pattern.capture.tokens[3].segment = 1;
  return pattern;
}

test("a pair has a window for the attention of each sentence to each, and one for all", () => {
  const windows = segmentWindows(pair().capture);
  assert.deepEqual(Object.keys(windows), ["all", "A to A", "A to B", "B to A", "B to B"]);
  assert.deepEqual(windows["A to B"], { rows: [0, 3], columns: [3, 4] });
  assert.deepEqual(windows.all, { rows: null, columns: null });
});

test("one sentence has no such windows", () => {
  assert.deepEqual(segmentWindows(captureOf(["a", "b"])), {});
});

test("the name of the shown window is found by its tokens", () => {
  const state = { ...initialState(), pattern: pair() };
  assert.equal(segmentsShown(state), "all");
  assert.equal(segmentsShown({ ...state, rows: [3, 4], columns: [0, 3] }), "B to A");
  assert.equal(segmentsShown({ ...state, rows: [2, 4] }), undefined);
});
