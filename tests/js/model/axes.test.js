import assert from "node:assert/strict";
import { test } from "node:test";
import {
  axesOf,
  cellAt,
  foldedMass,
  foldedNames,
  frameOf,
  isFoldable,
  placeOf,
  shownTokens,
  weightsOf,
  windowsOf,
} from "../../../static/js/model/axes.js";
import { CAUSAL as causal, matrixOf, patternOf } from "../worlds.js";

const display = { fold: false, flip: false, rows: null, columns: null, scale: "linear" };
const fold = { ...display, fold: true };
const flip = { ...display, flip: true };

const special = patternOf(
  ["[CLS]", "x", "y", "[SEP]"],
  [
    [1, 0, 0, 0],
    [0.5, 0.25, 0.125, 0.125],
    [0.25, 0.125, 0.5, 0.125],
    [0, 0, 0, 1],
  ],
);

test("without folding, a place is the position of its token", () => {
  assert.deepEqual(axesOf(causal, display), { down: [0, 1, 2], across: [0, 1, 2], flipped: false });
});

test("folding removes the first key of a causal model, and special tokens from both sides", () => {
  assert.deepEqual(axesOf(causal, fold), { down: [0, 1, 2], across: [1, 2], flipped: false });
  assert.deepEqual(axesOf(special, fold), { down: [1, 2], across: [1, 2], flipped: false });
});

test("the other weights stay as they are: nothing is renormalised", () => {
  assert.deepEqual(weightsOf(special, axesOf(special, fold)), [
    [0.25, 0.125],
    [0.125, 0.5],
  ]);
  assert.deepEqual(weightsOf(causal, axesOf(causal, fold)), [
    [null, null],
    [0.25, null],
    [0.25, 0.5],
  ]);
});

test("flipped, the rows are keys", () => {
  assert.deepEqual(weightsOf(causal, axesOf(causal, flip)), [
    [1, 0.75, 0.25],
    [null, 0.25, 0.25],
    [null, null, 0.5],
  ]);
});

test("the folded keys are named", () => {
  assert.equal(foldedNames(causal, display), null);
  assert.deepEqual(foldedNames(causal, fold), ["the first token"]);
  assert.deepEqual(foldedNames(special, fold), ["[CLS]", "[SEP]"]);
});

test("nothing is folded where nothing would be left, or where a cell covers several tokens", () => {
  const eye = [
    [1, 0],
    [0, 1],
  ];
  assert.equal(isFoldable(patternOf(["a"], [[1]], { causal: true })), false);
  assert.equal(isFoldable(patternOf(["a", "b"], eye)), false);
  const pooled = { ...causal, matrix: matrixOf(eye, 2) };
  assert.equal(isFoldable(pooled), false);
  assert.deepEqual(axesOf(pooled, fold).across, [0, 1, 2]);
  assert.equal(shownTokens(pooled, fold).folded, false);
});

test("a pooled matrix keeps its cells, flipped too", () => {
  const rows = [
    [1, 2],
    [3, 4],
  ];
  const pooled = patternOf(["a", "b", "c"], rows, { step: 2 });
  assert.deepEqual(weightsOf(pooled, axesOf(pooled, flip)), [
    [1, 3],
    [2, 4],
  ]);
});

test("windows of tokens become frames of places and back, folded and flipped", () => {
  const axes = axesOf(special, { ...fold, flip: true });
  const window = { rows: [1, 2], columns: [2, 3] };
  const frame = frameOf(axes, window);
  assert.deepEqual(frame, { down: [1, 2], across: [0, 1] });
  assert.deepEqual(windowsOf(axes, frame), window);
  assert.deepEqual(windowsOf(axes, { down: [0, 2], across: null }), { rows: null, columns: null });
  // A window of folded tokens only shows all the others.
  assert.deepEqual(frameOf(axes, { rows: [0, 1], columns: null }).across, [0, 2]);
});

test("a place has a cell and a cell a place; a folded token has none", () => {
  const axes = axesOf(special, { ...fold, flip: true });
  assert.deepEqual(cellAt(axes, { down: 1, across: 0 }), { query: 1, key: 2 });
  assert.deepEqual(placeOf(axes, { query: 1, key: 2 }), { down: 1, across: 0 });
  assert.deepEqual(placeOf(axes, { query: 0, key: null }), { down: -1, across: -1 });
});

test("the folded mass is a number for each query that is shown, flipped or not", () => {
  assert.deepEqual(foldedMass(special, axesOf(special, fold)), [0.625, 0.375]);
  assert.deepEqual(foldedMass(special, axesOf(special, { ...fold, flip: true })), [0.625, 0.375]);
  assert.deepEqual(foldedMass(causal, axesOf(causal, fold)), [1, 0.75, 0.25]);
  assert.deepEqual(foldedMass(special, axesOf(special, display)), []);
});
