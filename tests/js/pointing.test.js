import assert from "node:assert/strict";
import { test } from "node:test";
import { step, zoomed } from "../../static/js/pointing.js";
import { initialState } from "../../static/js/store.js";
import { patternOf } from "./worlds.js";

const sight = { down: [0, 1, 2, 3], across: [0, 1, 2, 3], flipped: false };

test("arrows walk the cells and stop at the edges", () => {
  assert.deepEqual(step("ArrowDown", { down: 1, across: 1 }, sight), { down: 2, across: 1 });
  assert.deepEqual(step("ArrowLeft", { down: 1, across: 0 }, sight), { down: 1, across: 0 });
  assert.deepEqual(step("End", { down: 1, across: 0 }, sight), { down: 1, across: 3 });
  assert.deepEqual(step("Home", { down: 1, across: 2 }, sight), { down: 1, across: 0 });
  assert.deepEqual(step("Home", { down: 1, across: 2 }, sight, true), { down: 0, across: 0 });
  assert.deepEqual(step("End", { down: 1, across: 2 }, sight, true), { down: 3, across: 3 });
  assert.equal(step("ArrowUp", { down: 1, across: 2 }, sight, true), null);
  assert.equal(step("x", { down: 1, across: 1 }, sight), null);
});

test("zooming goes about the cell that is pointed at, else about the middle", () => {
  const four = Array(4).fill([0.25, 0.25, 0.25, 0.25]);
  const state = { ...initialState(), pattern: patternOf(["a", "b", "c", "d"], four) };
  assert.deepEqual(zoomed(state, 0.5), { rows: [1, 3], columns: [1, 3] });
  assert.deepEqual(zoomed(state, 0.5, { down: 3, across: 0 }), { rows: [2, 4], columns: [0, 2] });
  const flipped = { ...state, flip: true };
  assert.deepEqual(zoomed(flipped, 0.5, { down: 3, across: 0 }), { rows: [0, 2], columns: [2, 4] });
  assert.deepEqual(zoomed(state, 2), { rows: null, columns: null });
  assert.deepEqual(zoomed(initialState(), 0.5), {});
});
