import assert from "node:assert/strict";
import { test } from "node:test";
import { colouringOf } from "../../../../static/js/views/grid/colouring.js";
import { scoreOf } from "../../worlds.js";

const score = scoreOf([
  [0.25, 0.75],
  [0.5, null],
]);

test("the words of a head are its value and its rank among the heads that have one", () => {
  assert.equal(colouringOf(score, 0, 1, null).words, "previous token 0.750, rank 1 of 3");
  assert.equal(colouringOf(score, 0, 0, null).words, "previous token 0.250, rank 3 of 3");
});

test("the lowest and the highest value have the colours at the ends of the scale", () => {
  assert.equal(colouringOf(score, 0, 0, null).colour, "rgb(68, 1, 84)");
  assert.equal(colouringOf(score, 0, 1, null).colour, "rgb(253, 231, 37)");
});

test("heads below the top are dimmed; without a top, none is", () => {
  const dimmed = (/** @type {number | null} */ top) =>
    [
      [0, 1],
      [1, 0],
      [0, 0],
      [1, 1],
    ].map(([layer, head]) => colouringOf(score, layer, head, top).dimmed);
  assert.deepEqual(dimmed(2), [false, false, true, true]);
  assert.deepEqual(dimmed(null), [false, false, false, false]);
});

test("a head without a value has no colour", () => {
  assert.deepEqual(colouringOf(score, 1, 1, null), { colour: "", words: "previous token: not defined", dimmed: false });
});

test("a head that does not exist has no score", () => {
  assert.equal(colouringOf(score, 7, 9, null).words, "previous token: not defined");
});

test("if no head has a value, none has a colour", () => {
  assert.equal(colouringOf(scoreOf([[null]]), 0, 0, null).colour, "");
});
