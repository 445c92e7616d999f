import assert from "node:assert/strict";
import { test } from "node:test";
import { cellsFor, wantedDetail } from "../../../static/js/model/wanted_window.js";
import { captureOf } from "../worlds.js";

const capture = captureOf(Array(100).fill("a"));

/** @param {[number, number]} queries @param {[number, number]} keys @param {number} step */
const covering = (queries, keys, step) => ({ queries, keys, queryStep: step, keyStep: step });

/** A text of 100 tokens on a screen of 10 cells. @param {object} [changes] */
const stateOf = (changes = {}) => ({
  pattern: { capture, matrix: covering([0, 100], [0, 100], 10), detail: null },
  rows: null,
  columns: null,
  cells: 10,
  ...changes,
});

test("no detail is fetched for the whole text, or for an exact head", () => {
  assert.equal(wantedDetail(stateOf()), null);
  const exact = { capture, matrix: covering([0, 100], [0, 100], 1), detail: null };
  assert.equal(wantedDetail(stateOf({ pattern: exact, rows: [0, 10], columns: [0, 10] })), null);
  assert.equal(wantedDetail(stateOf({ pattern: null })), null);
});

test("a window is fetched in whole cells, as many as fit on the screen", () => {
  // 25 queries on 10 cells: three in each, from a multiple of three to the next; 8 keys fit one by one.
  const window = { rows: [31, 56], columns: [4, 12] };
  assert.deepEqual(wantedDetail(stateOf(window)), { rows: [30, 57], columns: [4, 12] });
  assert.deepEqual(wantedDetail(stateOf({ rows: [90, 100], columns: [71, 100] })), {
    rows: [90, 100],
    columns: [69, 100],
  });
});

test("a window inside the detail is not fetched again", () => {
  const pattern = { ...stateOf().pattern, detail: covering([30, 60], [0, 30], 3) };
  assert.equal(wantedDetail(stateOf({ pattern, rows: [31, 56], columns: [2, 30] })), null);
  assert.deepEqual(wantedDetail(stateOf({ pattern, rows: [31, 61], columns: [2, 30] })), {
    rows: [30, 63],
    columns: [0, 30],
  });
  // Closer still: three tokens in a cell are too many.
  assert.deepEqual(wantedDetail(stateOf({ pattern, rows: [40, 50], columns: [10, 20] })), {
    rows: [40, 50],
    columns: [10, 20],
  });
});

test("the number of cells depends on the size of the stage, within limits", () => {
  assert.deepEqual([100, 512, 513, 800, 4000].map(cellsFor), [512, 512, 768, 1024, 1024]);
});
