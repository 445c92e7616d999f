import assert from "node:assert/strict";
import { test } from "node:test";
import { coverOf, isMasked, largest, sharpest, strongest } from "../../../static/js/model/matrix.js";
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

test("a pooled cell is masked where none of its queries may attend to any of its keys", () => {
  const pooled = {
    ...matrixOf([
      [1, 0],
      [1, 1],
    ]),
    queryStep: 4,
    keyStep: 2,
    queries: [0, 8],
  };
  // Queries 0..3 and keys 2..3: query 3 may attend to key 2.
  assert.equal(isMasked(pooled, true, 0, 1), false);
  assert.equal(isMasked({ ...pooled, queryStep: 2 }, true, 0, 1), true);
});

test("the mask of a window depends on its tokens, that of its last row on the tokens it has", () => {
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
  // Query 6 may attend to key 6, but to no key from 7 on.
  assert.equal(isMasked(window, true, 1, 1), false);
  assert.equal(isMasked({ ...window, keys: [5, 9] }, true, 1, 1), true);
});

test("a weight is read from the detail where the detail holds it", () => {
  const whole = matrixOf([[1, 0]], 4);
  const detail = matrixOf([[0.25, 0.75]], 1, { query: 2, key: 2 });
  const pattern = { matrix: whole, detail };
  assert.equal(sharpest(pattern, { query: 2, key: 3 }), detail);
  assert.equal(sharpest(pattern, { query: 1, key: 3 }), whole);
  assert.equal(sharpest({ matrix: whole, detail: null }, { query: 2, key: 3 }), whole);
});

test("a cell is found by its tokens, and covers at most the tokens there are", () => {
  const matrix = { ...matrixOf([[1, 0]], 4, { query: 8, key: 4 }), queries: [8, 11] };
  assert.deepEqual(coverOf(matrix, { query: 10, key: 9 }), { row: 0, column: 1, queries: [8, 11], keys: [8, 12] });
});

test("the largest weight has the positions of its tokens", () => {
  const rows = [
    [0.1, 0.2],
    [0.6, 0.1],
  ];
  assert.deepEqual(largest(matrixOf(rows, 1, { query: 5, key: 2 })), { query: 6, key: 2, value: Math.fround(0.6) });
});

test("the strongest weight leaves out the sink as query and as key", () => {
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

test("one word between special tokens has no strongest weight", () => {
  const rows = [
    [1, 0, 0],
    [0.5, 0.25, 0.25],
    [1, 0, 0],
  ];
  assert.equal(strongest(captureOf(["[CLS]", "a", "[SEP]"]), matrixOf(rows)), null);
});
