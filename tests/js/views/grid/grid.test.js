import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { placeAfterKey } from "../../../../static/js/views/grid/keys_and_preview.js";
import { groupText } from "../../../../static/js/views/grid/legend.js";
import { columnsOf, placesOf, shapeOf } from "../../../../static/js/views/grid/rows.js";
import { captureOf, modelOf } from "../../worlds.js";

const counts = [12, 12, 12, 12, 12, 12];
const from = { row: 2, column: 4 };

test("arrow keys move one step and stop at the edges", () => {
  assert.deepEqual(placeAfterKey("ArrowDown", from, counts), { row: 3, column: 4 });
  assert.deepEqual(placeAfterKey("ArrowLeft", from, counts), { row: 2, column: 3 });
  assert.deepEqual(placeAfterKey("ArrowUp", { row: 0, column: 4 }, counts), { row: 0, column: 4 });
  assert.deepEqual(placeAfterKey("ArrowDown", { row: 5, column: 4 }, counts), { row: 5, column: 4 });
  assert.deepEqual(placeAfterKey("ArrowRight", { row: 5, column: 11 }, counts), { row: 5, column: 11 });
});

test("Home and End move along the layer, the page keys across layers", () => {
  const ends = ["Home", "End", "PageUp", "PageDown"].map((key) => placeAfterKey(key, from, counts));
  assert.deepEqual(ends, [
    { row: 2, column: 0 },
    { row: 2, column: 11 },
    { row: 0, column: 4 },
    { row: 5, column: 4 },
  ]);
});

test("with Ctrl, Home and End move to the first and the last head of the model", () => {
  assert.deepEqual(placeAfterKey("Home", from, counts, true), { row: 0, column: 0 });
  assert.deepEqual(placeAfterKey("End", from, counts, true), { row: 5, column: 11 });
  assert.equal(placeAfterKey("ArrowDown", from, counts, true), null);
});

test("Enter and the space bar choose the focused head", () => {
  assert.deepEqual([placeAfterKey("Enter", from, counts), placeAfterKey(" ", from, counts)], [from, from]);
});

test("other keys do nothing", () => {
  assert.equal(placeAfterKey("Tab", from, counts), null);
});

test("keys skip layers without heads, and stay within a layer that has fewer", () => {
  const hybrid = [0, 4, 0, 0, 2, 0];
  const at = { row: 1, column: 3 };
  assert.deepEqual(placeAfterKey("ArrowDown", at, hybrid), { row: 4, column: 1 });
  assert.deepEqual(placeAfterKey("ArrowUp", { row: 4, column: 1 }, hybrid), { row: 1, column: 1 });
  assert.deepEqual(placeAfterKey("ArrowUp", at, hybrid), at);
  assert.deepEqual(placeAfterKey("ArrowDown", { row: 4, column: 0 }, hybrid), { row: 4, column: 0 });
  assert.deepEqual(placeAfterKey("Home", { row: 4, column: 1 }, hybrid, true), { row: 1, column: 0 });
  assert.deepEqual(placeAfterKey("End", at, hybrid, true), { row: 4, column: 1 });
});

test("before the first run, the grid has the shape of the chosen model", () => {
  const { model } = captureOf(["a"]);
  const state = { ...initialState(), model: "toy", models: [model] };
  assert.deepEqual(shapeOf(state), { layers: 2, heads: 3, model });
  assert.deepEqual(shapeOf({ ...state, model: "other" }), { layers: 0, heads: 0, model: undefined });
});

test("a row has the heads of its layer; sorted, it has the next ranks", () => {
  const shape = {
    layers: 3,
    heads: 2,
    model: modelOf([
      [2, 2],
      [0, 0],
      [1, 1],
    ]),
  };
  const all = [
    { layer: 0, head: 0 },
    { layer: 0, head: 1 },
    { layer: 2, head: 0 },
  ];
  assert.deepEqual(placesOf(shape, null), [all.slice(0, 2), [], all.slice(2)]);
  assert.deepEqual(placesOf(shape, all), [all.slice(0, 2), all.slice(2)]);
});

test("there is a gap between heads of different groups, and none where each head has its own keys", () => {
  const three = "repeat(3,var(--side))";
  assert.deepEqual(columnsOf(9, 3), {
    gaps: 2,
    columns: `var(--label) ${three} var(--apart) ${three} var(--apart) ${three}`,
  });
  assert.deepEqual(columnsOf(4, 1), { gaps: 0, columns: "var(--label) repeat(4,var(--side))" });
  assert.deepEqual(columnsOf(8, 8), { gaps: 0, columns: "var(--label) repeat(8,var(--side))" });
});

test("the legend says how many heads share a key/value head", () => {
  assert.equal(groupText(modelOf([[9, 3]])), "groups of 3 heads share a key/value head");
  assert.equal(groupText(modelOf([[8, 1]])), "all heads of a layer share one key/value head");
  assert.match(
    groupText(
      modelOf([
        [8, 4],
        [8, 2],
      ]),
    ),
    /^layers differ/,
  );
  assert.equal(groupText(modelOf([[4, 4]])), "");
  assert.equal(groupText(undefined), "");
});
