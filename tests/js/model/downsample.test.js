import assert from "node:assert/strict";
import { test } from "node:test";
import { maxPooled } from "../../../static/js/model/downsample.js";
import { geometryOf } from "../../../static/js/model/geometry.js";
import { matrixOf, patternOf } from "../worlds.js";

const display = { fold: false, flip: false, rows: null, columns: null };
const rows = [
  [0.125, 0.25, 0],
  [0, 0.5, 0.0625],
  [0, 0, 0.75],
];

test("pooled cells hold the maximum, of fewer cells at the ends", () => {
  const { values, rows: tall, columns, queryStep, keyStep } = maxPooled(matrixOf(rows), 2, 2);
  assert.deepEqual([[...values], tall, columns, queryStep, keyStep], [[0.5, 0.0625, 0, 0.75], 2, 2, 2, 2]);
  assert.deepEqual([...maxPooled(matrixOf(rows), 3, 1).values], [0.125, 0.5, 0.75]);
});

test("pooling a pooled matrix multiplies the steps and keeps the window", () => {
  const { queries, keys, queryStep, keyStep } = maxPooled(matrixOf(rows, 4, { query: 8, key: 0 }), 2, 3);
  assert.deepEqual([queries, keys, queryStep, keyStep], [[8, 20], [0, 12], 8, 12]);
});

const LONG = 600;
const texts = Array.from({ length: LONG }, (_, at) => String(at));
/** All weights are 0 but one. @param {number} row @param {number} column */
const spot = (row, column) => {
  const whole = texts.map(() => new Array(LONG).fill(0));
  /** @type {number[]} */ (whole[row])[column] = 1;
  return patternOf(texts, whole);
};
const size = { width: 900, height: 400 };

/** @param {ReturnType<typeof spot>} pattern @param {object} [changes] of the display @param {object} [screen] */
const drawn = (pattern, changes, screen) =>
  geometryOf({ pattern, ...display, ...changes }, { ...size, ...screen }).drawn;
const { area } = geometryOf({ pattern: spot(0, 0), ...display }, size);

test("there are no more cells than pixels, and no weight is lost", () => {
  for (const at of [0, 1, 2, 299, 300, 301, 598, 599]) {
    const { matrix } = drawn(spot(at, at));
    assert.ok(matrix.rows <= area.height && matrix.columns <= area.width);
    const [row, column] = [Math.floor(at / matrix.queryStep), Math.floor(at / matrix.keyStep)];
    assert.equal(matrix.values[row * matrix.columns + column], 1);
  }
});

test("a window, or a screen, with a pixel for each weight is left unchanged", () => {
  const pattern = spot(5, 5);
  assert.equal(drawn(pattern, { rows: [0, 50], columns: [0, 50] }), pattern);
  assert.equal(drawn(pattern, {}, { density: 3 }), pattern);
});

test("each side is pooled by its own pixels, flipped too", () => {
  const pattern = spot(5, 5);
  const [plain, flipped] = [false, true].map((flip) => drawn(pattern, { flip }).matrix);
  assert.deepEqual([plain?.queryStep, plain?.keyStep], [flipped?.keyStep, flipped?.queryStep]);
  assert.notEqual(plain?.queryStep, plain?.keyStep);
});

test("the result is reused while the window has the same size", () => {
  const pattern = spot(5, 5);
  assert.equal(drawn(pattern, { rows: [0, 580] }).matrix, drawn(pattern, { rows: [10, 590] }).matrix);
});
