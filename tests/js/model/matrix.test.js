import assert from "node:assert/strict";
import { test } from "node:test";
import { coverOf, isMasked, largest, shares, sharpest, spread, strongest } from "../../../static/js/model/matrix.js";
import { captureOf, matrixOf } from "../worlds.js";

test("only causal models mask, and only keys after the query", () => {
  const matrix = matrixOf([
    [1, 0],
    [0.5, 0.5],
  ]);
  assert.deepEqual(
    [isMasked(matrix, true, 0, 1), isMasked(matrix, true, 1, 1), isMasked(matrix, true, 1, 0)],
    [true, false, false],
  );
  assert.equal(isMasked(matrix, false, 0, 1), false);
  assert.equal(isMasked(matrix, null, 0, 1), false);
});

test("a pooled cell is masked when no query in it may look at any key in it", () => {
  const pooled = {
    ...matrixOf([
      [1, 0],
      [1, 1],
    ]),
    queryStep: 4,
    keyStep: 2,
    queries: [0, 8],
  };
  // Queries 0..3 and keys 2..3: query 3 may look at key 2.
  assert.equal(isMasked(pooled, true, 0, 1), false);
  assert.equal(isMasked({ ...pooled, queryStep: 2 }, true, 0, 1), true);
});

test("a window masks by its tokens, and its last row by those that it has", () => {
  // Queries 4..5 and 6, keys 4..5 and 6..7.
  const window = {
    ...matrixOf(
      [
        [1, 0],
        [1, 1],
      ],
      2,
      { query: 4, key: 4 },
    ),
    queries: [4, 7],
  };
  assert.deepEqual([isMasked(window, true, 0, 0), isMasked(window, true, 0, 1)], [false, true]);
  // Query 6 may look at key 6; in a window of keys from 7 on, at none.
  assert.equal(isMasked(window, true, 1, 1), false);
  assert.equal(isMasked({ ...window, keys: [5, 9] }, true, 1, 1), true);
});

test("a weight is read off the closer look where that has it", () => {
  const whole = matrixOf([[1, 0]], 4);
  const detail = matrixOf([[0.25, 0.75]], 1, { query: 2, key: 2 });
  const pattern = { matrix: whole, detail };
  assert.equal(sharpest(pattern, { query: 2, key: 3 }), detail);
  assert.equal(sharpest(pattern, { query: 1, key: 3 }), whole);
  assert.equal(sharpest({ matrix: whole, detail: null }, { query: 2, key: 3 }), whole);
});

test("a cell is found by its tokens, and covers no more than there are", () => {
  const matrix = { ...matrixOf([[1, 0]], 4, { query: 8, key: 4 }), queries: [8, 11] };
  assert.deepEqual(coverOf(matrix, { query: 10, key: 9 }), { row: 0, column: 1, queries: [8, 11], keys: [8, 12] });
});

test("the largest weight is named by its tokens", () => {
  const rows = [
    [0.1, 0.2],
    [0.6, 0.1],
  ];
  assert.deepEqual(largest(matrixOf(rows, 1, { query: 5, key: 2 })), { query: 6, key: 2, value: Math.fround(0.6) });
});

test("the strongest link leaves out rests and rows that had no choice", () => {
  const causal = captureOf(["a", "b", "c"], { causal: true });
  const rows = [
    [1, 0, 0],
    [0.9, 0.1, 0],
    [0.5, 0.3, 0.2],
  ];
  const { query, key, value } = strongest(causal, matrixOf(rows));
  assert.deepEqual([query, key, value.toFixed(1)], [2, 1, "0.3"]);
  assert.equal(
    strongest(
      captureOf(["[CLS]", "[SEP]"]),
      matrixOf([
        [1, 0],
        [0, 1],
      ]),
    ),
    null,
  );
});

test("shares of the places add up to one", () => {
  const capture = captureOf(["[CLS]", "a", "b", "[SEP]"]);
  const found = shares(
    capture,
    matrixOf([
      [1, 0, 0, 0],
      [0.25, 0.25, 0.25, 0.25],
      [0, 0.5, 0.5, 0],
      [1, 0, 0, 0],
    ]),
  );
  assert.deepEqual(found, { special: 0.25, self: 0.375, before: 0.25, after: 0.125 });
});

test("in a causal model the first token is a place of its own", () => {
  const found = shares(
    captureOf(["a", "b", "c"], { causal: true }),
    matrixOf([
      [1, 0, 0],
      [0.5, 0.5, 0],
      [0.5, 0.25, 0.25],
    ]),
  );
  assert.deepEqual(found, { first: 0.5, self: 0.375, before: 0.125 });
});

test("one token that can only look at itself has no shares", () => {
  assert.equal(shares(captureOf(["a"], { causal: true }), matrixOf([[1]])), null);
  assert.equal(spread(captureOf(["a"], { causal: true }), matrixOf([[1]])), null);
});

test("one word between special tokens has no neighbour to share with, and no link to be the strongest", () => {
  const capture = captureOf(["[CLS]", "a", "[SEP]"]);
  const matrix = matrixOf([
    [1, 0, 0],
    [0.5, 0.25, 0.25],
    [1, 0, 0],
  ]);
  assert.deepEqual(shares(capture, matrix), { special: 0.75, self: 0.25 });
  assert.equal(strongest(capture, matrix), null);
});

test("a neighbour that gets nothing is still a neighbour", () => {
  const eye = matrixOf([
    [1, 0],
    [0, 1],
  ]);
  assert.deepEqual(shares(captureOf(["a", "b"]), eye), { self: 1, before: 0, after: 0 });
});

test("an even look at four tokens spreads over four", () => {
  assert.equal(spread(captureOf(["a", "b", "c", "d"]), matrixOf(Array(4).fill([0.25, 0.25, 0.25, 0.25]))), 4);
});
