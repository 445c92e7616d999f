import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { exportedPart } from "../../../../static/js/views/heatmap/toolbar.js";
import { CAUSAL, matrixOf } from "../../worlds.js";

test("a file has the whole exact heatmap, or of a pooled heatmap the window at the same resolution", () => {
  const window = { ...initialState(), rows: [1, 3], cells: 512 };
  assert.equal(exportedPart({ ...window, pattern: null }), "");
  assert.equal(exportedPart({ ...window, pattern: CAUSAL }), "");
  const pooled = { ...CAUSAL, matrix: matrixOf([[1]], 4) };
  assert.equal(exportedPart({ ...window, pattern: pooled }), "&cells=512&rows=1:3");
  assert.equal(exportedPart({ ...initialState(), pattern: pooled }), "&cells=512");
});
