import assert from "node:assert/strict";
import { test } from "node:test";
import { rangeOf, rankHeads, scaledToRange, scoreText, shownScore } from "../../../static/js/model/ranking.js";
import { initialState } from "../../../static/js/state/store.js";
import { captureOf, scoreOf } from "../worlds.js";

const values = [
  [0.25, null, 0.75],
  [0.5, -1, null],
];

test("heads are sorted from the largest value; those without a value come last, in the order of the model", () => {
  const places = rankHeads(values).map(({ layer, head }) => `${layer}.${head}`);
  assert.deepEqual(places, ["0.2", "1.0", "0.0", "1.1", "0.1", "1.2"]);
});

test("heads with equal values keep the order of the model", () => {
  assert.deepEqual(rankHeads([[0.5, 0.5], [0.5]]), [
    { layer: 0, head: 0 },
    { layer: 0, head: 1 },
    { layer: 1, head: 0 },
  ]);
});

test("ranking does not change the values", () => {
  const before = structuredClone(values);
  rankHeads(values);
  assert.deepEqual(values, before);
});

test("the range leaves out missing values, and is null without values", () => {
  assert.deepEqual(rangeOf(values), { least: -1, most: 0.75 });
  assert.deepEqual(rangeOf([[0]]), { least: 0, most: 0 });
  assert.equal(rangeOf([[null], []]), null);
});

test("the minimum is scaled to 0 and the maximum to 1; equal values to 1", () => {
  const range = { least: -1, most: 3 };
  assert.deepEqual(
    [-1, 0, 3].map((value) => scaledToRange(value, range)),
    [0, 0.25, 1],
  );
  assert.equal(scaledToRange(2, { least: 2, most: 2 }), 1);
});

test('shares have three decimals, others two and their unit; a missing value is "not defined"', () => {
  assert.deepEqual([scoreText(0.12345, "share"), scoreText(0, "share")], ["0.123", "0.000"]);
  assert.deepEqual([scoreText(1.5, "bits"), scoreText(-2, "tokens")], ["1.50 bits", "-2.00 tokens"]);
  assert.deepEqual([scoreText(null, "bits"), scoreText(undefined, "share")], ["not defined", "not defined"]);
});

test("the grid shows the chosen score, if it belongs to the text on the page", () => {
  const score = scoreOf([[0.25, 0.75]]);
  const overview = { capture: captureOf(["a"]) };
  const findings = { id: "abc", scores: [score], roles: {} };
  const state = /** @type {any} */ ({ ...initialState(), overview, findings, score: "previous" });
  assert.equal(shownScore(state), score);
  assert.equal(shownScore({ ...state, score: "nonsense" }), undefined);
  assert.equal(shownScore({ ...state, score: null }), undefined);
  assert.equal(shownScore({ ...state, findings: { ...findings, id: "older" } }), undefined);
  assert.equal(shownScore({ ...state, findings: null }), undefined);
});
