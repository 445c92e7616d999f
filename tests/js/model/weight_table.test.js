import assert from "node:assert/strict";
import { test } from "node:test";
import { shownTokens } from "../../../static/js/model/axes.js";
import { entries, sorted, tsv } from "../../../static/js/model/weight_table.js";
import { initialState } from "../../../static/js/state/store.js";
import { patternOf } from "../worlds.js";

const display = initialState();
/** @param {any} pattern @param {object} [changes] of the display */
function rowsOf(pattern, changes) {
  const state = { ...display, ...changes };
  return entries(shownTokens(pattern, state), state);
}
const causal = patternOf(
  ["a", "b\tb"],
  [
    [1, 0],
    [0.75, 0.25],
  ],
  { causal: true },
);

test("a table has each weight once, and no masked cell", () => {
  assert.deepEqual(rowsOf(causal), [
    { query: 0, key: 0, weight: 1 },
    { query: 1, key: 0, weight: 0.75 },
    { query: 1, key: 1, weight: 0.25 },
  ]);
});

test("it has what the heatmap shows: windows and folding; flipping changes nothing", () => {
  const one = [{ query: 1, key: 1, weight: 0.25 }];
  assert.deepEqual(rowsOf(causal, { fold: true }), one);
  assert.deepEqual(rowsOf(causal, { rows: [1, 2], columns: [1, 2], flip: true }), one);
});

test("a pooled cell is one row", () => {
  const pooled = patternOf(
    ["a", "b", "c"],
    [
      [1, 2],
      [3, 4],
    ],
    { step: 2 },
  );
  assert.deepEqual(
    rowsOf(pooled).map(({ query, key }) => [query, key]),
    [
      [0, 0],
      [0, 2],
      [2, 0],
      [2, 2],
    ],
  );
});

test("equal values keep their order, in either direction", () => {
  const rows = [
    { query: 0, key: 0, weight: 0.25 },
    { query: 0, key: 1, weight: 0.5 },
    { query: 1, key: 0, weight: 0.5 },
  ];
  const order = (/** @type {any[]} */ list) => list.map(({ query, key }) => `${query}${key}`).join(" ");
  assert.equal(order(sorted(rows, "weight", false)), "01 10 00");
  assert.equal(order(sorted(rows, "weight", true)), "00 01 10");
  assert.equal(order(sorted(rows, "key", false)), "01 00 10");
});

test("the order is the same as with a comparison function", () => {
  const rows = Array.from({ length: 500 }, (_, at) => ({
    query: at >> 4,
    key: at & 15,
    weight: Math.fround(((at * 7919) % 97) / 97),
  }));
  for (const column of /** @type {const} */ (["query", "key", "weight"])) {
    assert.deepEqual(
      sorted(rows, column, true),
      rows.toSorted((one, other) => one[column] - other[column]),
    );
    assert.deepEqual(
      sorted(rows, column, false),
      rows.toSorted((one, other) => other[column] - one[column]),
    );
  }
});

test("the TSV has a line for each row, and no token breaks a line or field", () => {
  assert.equal(
    tsv(causal, rowsOf(causal, { rows: [1, 2] })),
    "query_position\tquery\tkey_position\tkey\tweight\n1\tb b\t0\ta\t0.75\n1\tb b\t1\tb b\t0.25\n",
  );
});

test("the TSV of effects has their lengths, not their shares", () => {
  const effects = { ...causal, longest: 8 };
  assert.equal(
    tsv(effects, rowsOf(effects, { rows: [1, 2] })),
    "query_position\tquery\tkey_position\tkey\teffect\n1\tb b\t0\ta\t6\n1\tb b\t1\tb b\t2\n",
  );
});
