import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cellAt,
  foldedShare,
  frameOf,
  hiddenMass,
  isFoldable,
  placeOf,
  sightOf,
  weightsOf,
  windowsOf,
} from "../../../static/js/model/placement.js";
import { figure } from "../../../static/js/plot/figure.js";
import { CAUSAL as causal, matrixOf, patternOf } from "../worlds.js";

const look = { fold: false, flip: false, rows: null, columns: null, scale: "linear" };
const fold = { ...look, fold: true };
const flip = { ...look, flip: true };

const special = patternOf(
  ["[CLS]", "x", "y", "[SEP]"],
  [
    [1, 0, 0, 0],
    [0.5, 0.25, 0.125, 0.125],
    [0.25, 0.125, 0.5, 0.125],
    [0, 0, 0, 1],
  ],
);

test("unfolded, a place is the position of its token", () => {
  assert.deepEqual(sightOf(causal, look), { down: [0, 1, 2], across: [0, 1, 2], flipped: false });
});

test("folding hides the first key of a causal model, and special tokens on both sides", () => {
  assert.deepEqual(sightOf(causal, fold), { down: [0, 1, 2], across: [1, 2], flipped: false });
  assert.deepEqual(sightOf(special, fold), { down: [1, 2], across: [1, 2], flipped: false });
});

test("what is left keeps its weight: nothing is renormalised", () => {
  assert.deepEqual(weightsOf(special, sightOf(special, fold)), [
    [0.25, 0.125],
    [0.125, 0.5],
  ]);
  assert.deepEqual(weightsOf(causal, sightOf(causal, fold)), [
    [null, null],
    [0.25, null],
    [0.25, 0.5],
  ]);
});

test("flipped, the rows are keys, and the axes say so", () => {
  assert.deepEqual(weightsOf(causal, sightOf(causal, flip)), [
    [1, 0.75, 0.25],
    [null, 0.25, 0.25],
    [null, null, 0.5],
  ]);
  const size = { width: 700, height: 600 };
  const { xaxis, yaxis } = figure(causal, flip, size, { ink: "", line: "", masked: "" }).layout;
  assert.match(xaxis.title.text, /^query/);
  assert.match(yaxis.title.text, /^key/);
});

test("what is folded away is named, with its share of what the words of the text give", () => {
  assert.equal(foldedShare(causal, look), null);
  // Rows b and c: the first could look nowhere else.
  assert.deepEqual(foldedShare(causal, fold), { names: ["the first token"], share: (0.75 + 0.25) / 2 });
  // Rows x and y.
  assert.deepEqual(foldedShare(special, fold), { names: ["[CLS]", "[SEP]"], share: (0.625 + 0.375) / 2 });
});

test("nothing is folded where nothing would be left, or where a cell covers several tokens", () => {
  assert.equal(isFoldable(patternOf(["a"], [[1]], { causal: true })), false);
  assert.equal(
    isFoldable(
      patternOf(
        ["a", "b"],
        [
          [1, 0],
          [0, 1],
        ],
      ),
    ),
    false,
  );
  const pooled = {
    ...causal,
    matrix: matrixOf(
      [
        [1, 0],
        [0, 1],
      ],
      2,
    ),
  };
  assert.equal(isFoldable(pooled), false);
  assert.deepEqual(sightOf(pooled, fold).across, [0, 1, 2]);
});

test("a pooled matrix keeps its cells, flipped too", () => {
  const pooled = patternOf(
    ["a", "b", "c"],
    [
      [1, 2],
      [3, 4],
    ],
    { step: 2 },
  );
  assert.deepEqual(weightsOf(pooled, sightOf(pooled, flip)), [
    [1, 3],
    [2, 4],
  ]);
});

test("windows of tokens become frames of places and back, folded and flipped", () => {
  const sight = sightOf(special, { ...fold, flip: true });
  const window = { rows: [1, 2], columns: [2, 3] };
  const frame = frameOf(sight, window);
  assert.deepEqual(frame, { down: [1, 2], across: [0, 1] });
  assert.deepEqual(windowsOf(sight, frame), window);
  assert.deepEqual(windowsOf(sight, { down: [0, 2], across: null }), { rows: null, columns: null });
  // A window of nothing but folded tokens shows all that is left.
  assert.deepEqual(frameOf(sight, { rows: [0, 1], columns: null }).across, [0, 2]);
});

test("a cell is found at its place and a place at its cell; a folded token has none", () => {
  const sight = sightOf(special, { ...fold, flip: true });
  assert.deepEqual(cellAt(sight, { down: 1, across: 0 }), { query: 1, key: 2 });
  assert.deepEqual(placeOf(sight, { query: 1, key: 2 }), { down: 1, across: 0 });
  assert.deepEqual(placeOf(sight, { query: 0, key: null }), { down: -1, across: -1 });
});

test("what is folded away is told for each query that is left, whichever way the picture lies", () => {
  assert.deepEqual(hiddenMass(special, sightOf(special, fold)), [0.625, 0.375]);
  assert.deepEqual(hiddenMass(special, sightOf(special, { ...fold, flip: true })), [0.625, 0.375]);
  assert.deepEqual(hiddenMass(causal, sightOf(causal, fold)), [1, 0.75, 0.25]);
  assert.deepEqual(hiddenMass(special, sightOf(special, look)), []);
});
