import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { shapeOf, walk } from "../../../../static/js/views/grid/grid.js";
import { captureOf } from "../../worlds.js";

const shape = { layers: 6, heads: 12 };

test("arrows walk one step and stop at the edges", () => {
  assert.deepEqual(walk("ArrowDown", { layer: 2, head: 4 }, shape), { layer: 3, head: 4 });
  assert.deepEqual(walk("ArrowLeft", { layer: 2, head: 4 }, shape), { layer: 2, head: 3 });
  assert.deepEqual(walk("ArrowUp", { layer: 0, head: 4 }, shape), { layer: 0, head: 4 });
  assert.deepEqual(walk("ArrowRight", { layer: 5, head: 11 }, shape), { layer: 5, head: 11 });
});

test("Home and End go along the layer, the page keys along the head", () => {
  const from = { layer: 2, head: 4 };
  const ends = ["Home", "End", "PageUp", "PageDown"].map((key) => walk(key, from, shape));
  assert.deepEqual(ends, [
    { layer: 2, head: 0 },
    { layer: 2, head: 11 },
    { layer: 0, head: 4 },
    { layer: 5, head: 4 },
  ]);
});

test("with Ctrl, Home and End lead to the first and the last head of all", () => {
  const from = { layer: 2, head: 4 };
  assert.deepEqual(walk("Home", from, shape, true), { layer: 0, head: 0 });
  assert.deepEqual(walk("End", from, shape, true), { layer: 5, head: 11 });
  assert.equal(walk("ArrowDown", from, shape, true), null);
});

test("Enter and the space bar choose the head that has the focus", () => {
  const from = { layer: 2, head: 4 };
  assert.deepEqual([walk("Enter", from, shape), walk(" ", from, shape)], [from, from]);
});

test("other keys are left to the browser", () => {
  assert.equal(walk("Tab", { layer: 0, head: 0 }, shape), null);
});

test("before the first answer the grid has the shape of the model that is asked", () => {
  const state = { ...initialState(), model: "toy", models: [captureOf(["a"]).model] };
  assert.deepEqual(shapeOf(state), { layers: 2, heads: 3 });
  assert.deepEqual(shapeOf({ ...state, model: "other" }), { layers: 0, heads: 0 });
});
