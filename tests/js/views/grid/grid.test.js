import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { placeAfterKey, shapeOf } from "../../../../static/js/views/grid/grid.js";
import { captureOf } from "../../worlds.js";

const shape = { layers: 6, heads: 12 };

test("arrow keys move one step and stop at the edges", () => {
  assert.deepEqual(placeAfterKey("ArrowDown", { layer: 2, head: 4 }, shape), { layer: 3, head: 4 });
  assert.deepEqual(placeAfterKey("ArrowLeft", { layer: 2, head: 4 }, shape), { layer: 2, head: 3 });
  assert.deepEqual(placeAfterKey("ArrowUp", { layer: 0, head: 4 }, shape), { layer: 0, head: 4 });
  assert.deepEqual(placeAfterKey("ArrowRight", { layer: 5, head: 11 }, shape), { layer: 5, head: 11 });
});

test("Home and End move along the layer, the page keys across layers", () => {
  const from = { layer: 2, head: 4 };
  const ends = ["Home", "End", "PageUp", "PageDown"].map((key) => placeAfterKey(key, from, shape));
  assert.deepEqual(ends, [
    { layer: 2, head: 0 },
    { layer: 2, head: 11 },
    { layer: 0, head: 4 },
    { layer: 5, head: 4 },
  ]);
});

test("with Ctrl, Home and End move to the first and the last head of the model", () => {
  const from = { layer: 2, head: 4 };
  assert.deepEqual(placeAfterKey("Home", from, shape, true), { layer: 0, head: 0 });
  assert.deepEqual(placeAfterKey("End", from, shape, true), { layer: 5, head: 11 });
  assert.equal(placeAfterKey("ArrowDown", from, shape, true), null);
});

test("Enter and the space bar choose the focused head", () => {
  const from = { layer: 2, head: 4 };
  assert.deepEqual([placeAfterKey("Enter", from, shape), placeAfterKey(" ", from, shape)], [from, from]);
});

test("other keys do nothing", () => {
  assert.equal(placeAfterKey("Tab", { layer: 0, head: 0 }, shape), null);
});

test("before the first run, the grid has the shape of the chosen model", () => {
  const state = { ...initialState(), model: "toy", models: [captureOf(["a"]).model] };
  assert.deepEqual(shapeOf(state), { layers: 2, heads: 3 });
  assert.deepEqual(shapeOf({ ...state, model: "other" }), { layers: 0, heads: 0 });
});
