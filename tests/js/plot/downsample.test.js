import assert from "node:assert/strict";
import { test } from "node:test";
import { fit, merged } from "../../../static/js/plot/downsample.js";
import { plotArea } from "../../../static/js/plot/plotarea.js";
import { matrixOf, patternOf } from "../worlds.js";

const look = { fold: false, flip: false, rows: null, columns: null };
const rows = [
  [0.125, 0.25, 0],
  [0, 0.5, 0.0625],
  [0, 0, 0.75],
];

test("merged cells hold the largest of theirs, and fewer at the ends", () => {
  const { values, rows: tall, columns, queryStep, keyStep } = merged(matrixOf(rows), 2, 2);
  assert.deepEqual([[...values], tall, columns, queryStep, keyStep], [[0.5, 0.0625, 0, 0.75], 2, 2, 2, 2]);
  assert.deepEqual([...merged(matrixOf(rows), 3, 1).values], [0.125, 0.5, 0.75]);
});

test("of a pooled matrix, merged cells cover so many times more tokens, of the same window", () => {
  const { queries, keys, queryStep, keyStep } = merged(matrixOf(rows, 4, { query: 8, key: 0 }), 2, 3);
  assert.deepEqual([queries, keys, queryStep, keyStep], [[8, 20], [0, 12], 8, 12]);
});

const LONG = 600;
const texts = Array.from({ length: LONG }, (_, at) => String(at));
/** Every weight 0 but one. @param {number} row @param {number} column */
const spot = (row, column) => {
  const whole = texts.map(() => new Array(LONG).fill(0));
  /** @type {number[]} */ (whole[row])[column] = 1;
  return patternOf(texts, whole);
};
const size = { width: 900, height: 400 };
const area = plotArea(patternOf(texts, [[1]]).capture.tokens, size);

test("no cell of the window is without a pixel, and none is lost", () => {
  for (const at of [0, 1, 2, 299, 300, 301, 598, 599]) {
    const { matrix } = fit(spot(at, at), look, size);
    assert.ok(matrix.rows <= area.height && matrix.columns <= area.width);
    const [row, column] = [Math.floor(at / matrix.queryStep), Math.floor(at / matrix.keyStep)];
    assert.equal(matrix.values[row * matrix.columns + column], 1);
  }
});

test("a window that has room for each weight is left alone, and so is a screen that has", () => {
  const pattern = spot(5, 5);
  assert.equal(fit(pattern, { ...look, rows: [0, 50], columns: [0, 50] }, size), pattern);
  assert.equal(fit(pattern, look, { ...size, density: 3 }), pattern);
});

test("each side goes by its own pixels, flipped too", () => {
  const pattern = spot(5, 5);
  const [plain, flipped] = [false, true].map((flip) => fit(pattern, { ...look, flip }, size).matrix);
  assert.deepEqual([plain?.queryStep, plain?.keyStep], [flipped?.keyStep, flipped?.queryStep]);
  assert.notEqual(plain?.queryStep, plain?.keyStep);
});

test("what was fitted once is there as long as the window is as wide", () => {
  const pattern = spot(5, 5);
  assert.equal(fit(pattern, look, size).matrix, fit(pattern, { ...look }, size).matrix);
});
