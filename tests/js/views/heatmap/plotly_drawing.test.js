import assert from "node:assert/strict";
import { test } from "node:test";
import { geometryOf } from "../../../../static/js/model/geometry.js";
import { initialState } from "../../../../static/js/state/store.js";
import { imageFigure } from "../../../../static/js/views/heatmap/plotly_drawing.js";
import { CAUSAL, matrixOf } from "../../worlds.js";

const size = { width: 700, height: 600 };
const rows = [
  [1, 0],
  [0.5, 0.5],
];

test("an image is opaque, with dark text and light paper", async () => {
  const { layout } = await imageFigure(geometryOf({ ...initialState(), pattern: CAUSAL }, size), "sqrt", new Map());
  assert.deepEqual([layout.paper_bgcolor, layout.plot_bgcolor, layout.font.color], ["#ffffff", "#d4d4d2", "#1b1c1e"]);
});

test("an image uses the traces of the heatmap and leaves them unchanged, and a detail has the image's grey", async () => {
  const pattern = { ...CAUSAL, matrix: matrixOf(rows, 2), detail: matrixOf(rows, 1, { query: 1, key: 1 }) };
  const known = { z: [[0.5]] };
  const built = new Map([[pattern.matrix, known]]);
  const { data } = await imageFigure(geometryOf({ ...initialState(), pattern }, size), "sqrt", built);
  assert.equal(data[0].z, known.z);
  assert.deepEqual(data[1].colorscale[0], [0, "#d4d4d2"]);
  assert.deepEqual([...built], [[pattern.matrix, known]]);
});
