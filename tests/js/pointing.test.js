import assert from "node:assert/strict";
import { test } from "node:test";
import { step, zoomed } from "../../static/js/pointing.js";
import { initialState } from "../../static/js/store.js";
import { captureOf, patternOf } from "./worlds.js";

const capture = captureOf(["a", "b", "c", "d"]);

test("arrows walk the cells and stop at the edges", () => {
  assert.deepEqual(step("ArrowDown", { query: 1, key: 1 }, capture), { query: 2, key: 1 });
  assert.deepEqual(step("ArrowLeft", { query: 1, key: 0 }, capture), { query: 1, key: 0 });
  assert.deepEqual(step("End", { query: 1, key: 0 }, capture), { query: 1, key: 3 });
  assert.deepEqual(step("Home", { query: 1, key: 2 }, capture), { query: 1, key: 0 });
  assert.deepEqual(step("Home", { query: 1, key: 2 }, capture, true), { query: 0, key: 0 });
  assert.deepEqual(step("End", { query: 1, key: 2 }, capture, true), { query: 3, key: 3 });
  assert.equal(step("ArrowUp", { query: 1, key: 2 }, capture, true), null);
  assert.equal(step("x", { query: 1, key: 1 }, capture), null);
});

test("zooming goes about the cell that is pointed at, else about the middle", () => {
  const four = Array(4).fill([0.25, 0.25, 0.25, 0.25]);
  const state = { ...initialState(), pattern: patternOf(["a", "b", "c", "d"], four) };
  assert.deepEqual(zoomed(state, 0.5), { rows: [1, 3], columns: [1, 3] });
  assert.deepEqual(zoomed(state, 0.5, { query: 3, key: 0 }), { rows: [2, 4], columns: [0, 2] });
  assert.deepEqual(zoomed(state, 2), { rows: null, columns: null });
  assert.deepEqual(zoomed(initialState(), 0.5), {});
});
