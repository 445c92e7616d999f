import assert from "node:assert/strict";
import { test } from "node:test";
import { rangeOf, rankHeads, scaledToRange, scoreText } from "../../../static/js/model/ranking.js";

const values = [
  [0.25, null, 0.75],
  [0.5, -1, null],
];

test("the heads with the most come first, and those without a value last, as in the model", () => {
  const places = rankHeads(values).map(({ layer, head }) => `${layer}.${head}`);
  assert.deepEqual(places, ["0.2", "1.0", "0.0", "1.1", "0.1", "1.2"]);
});

test("of heads that have the same, the earlier comes first", () => {
  assert.deepEqual(rankHeads([[0.5, 0.5], [0.5]]), [
    { layer: 0, head: 0 },
    { layer: 0, head: 1 },
    { layer: 1, head: 0 },
  ]);
});

test("ordering leaves the values as they are", () => {
  const before = structuredClone(values);
  rankHeads(values);
  assert.deepEqual(values, before);
});

test("the range is of what is known, and of nothing there is none", () => {
  assert.deepEqual(rangeOf(values), { least: -1, most: 0.75 });
  assert.deepEqual(rangeOf([[0]]), { least: 0, most: 0 });
  assert.equal(rangeOf([[null], []]), null);
});

test("the least stands at 0 and the most at 1; values all alike stand at 1", () => {
  const range = { least: -1, most: 3 };
  assert.deepEqual(
    [-1, 0, 3].map((value) => scaledToRange(value, range)),
    [0, 0.25, 1],
  );
  assert.equal(scaledToRange(2, { least: 2, most: 2 }), 1);
});

test("shares are said in three decimals, others in two and with their unit, and none as none", () => {
  assert.deepEqual([scoreText(0.12345, "share"), scoreText(0, "share")], ["0.123", "0.000"]);
  assert.deepEqual([scoreText(1.5, "bits"), scoreText(-2, "tokens")], ["1.50 bits", "-2.00 tokens"]);
  assert.deepEqual([scoreText(null, "bits"), scoreText(undefined, "share")], ["none", "none"]);
});
