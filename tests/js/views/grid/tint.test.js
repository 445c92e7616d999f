import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { shownScore, tintOf } from "../../../../static/js/views/grid/tint.js";
import { captureOf, scoreOf } from "../../worlds.js";

const score = scoreOf([
  [0.25, 0.75],
  [0.5, null],
]);

test("a head says its value and its rank among those that have one", () => {
  assert.equal(tintOf(score, 0, 1, null).words, "previous token 0.750, rank 1 of 3");
  assert.equal(tintOf(score, 0, 0, null).words, "previous token 0.250, rank 3 of 3");
});

test("the least and the most have the ends of the scale", () => {
  assert.equal(tintOf(score, 0, 0, null).colour, "rgb(68, 1, 84)");
  assert.equal(tintOf(score, 0, 1, null).colour, "rgb(253, 231, 37)");
});

test("heads beyond the first few step back, and without a few, none does", () => {
  const aside = (/** @type {number | null} */ top) =>
    [
      [0, 1],
      [1, 0],
      [0, 0],
      [1, 1],
    ].map(([layer, head]) => tintOf(score, layer, head, top).aside);
  assert.deepEqual(aside(2), [false, false, true, true]);
  assert.deepEqual(aside(null), [false, false, false, false]);
});

test("a head without a value has no colour and says so", () => {
  assert.deepEqual(tintOf(score, 1, 1, null), { colour: "", words: "previous token: none", aside: false });
});

test("a head that the score does not know of has none", () => {
  assert.equal(tintOf(score, 7, 9, null).words, "previous token: none");
});

test("where no head has a value, none has a colour", () => {
  assert.equal(tintOf(scoreOf([[null]]), 0, 0, null).colour, "");
});

test("the grid shows the score that was chosen, of the very text whose heads it shows", () => {
  const overview = { capture: captureOf(["a"]) };
  const findings = { id: "abc", scores: [score], roles: {} };
  const state = /** @type {any} */ ({ ...initialState(), overview, findings, score: "previous" });
  assert.equal(shownScore(state), score);
  assert.equal(shownScore({ ...state, score: "nonsense" }), undefined);
  assert.equal(shownScore({ ...state, score: null }), undefined);
  assert.equal(shownScore({ ...state, findings: { ...findings, id: "older" } }), undefined);
  assert.equal(shownScore({ ...state, findings: null }), undefined);
});
