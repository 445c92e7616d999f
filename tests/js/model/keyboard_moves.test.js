import assert from "node:assert/strict";
import { test } from "node:test";
import { shownTokens } from "../../../static/js/model/axes.js";
import { cellPart, pressed, step } from "../../../static/js/model/keyboard_moves.js";
import { zoomed } from "../../../static/js/model/zoom.js";
import { initialState } from "../../../static/js/state/store.js";
import { matrixOf, patternOf } from "../worlds.js";

const axes = { down: [0, 1, 2, 3], across: [0, 1, 2, 3], flipped: false };
/** At full resolution, the pattern is drawn as it is. @param {any} state */
const shownIn = (state) => ({ ...shownTokens(state.pattern, state), drawn: state.pattern });

test("arrow keys move along the cells and stop at the edges", () => {
  assert.deepEqual(step("ArrowDown", { down: 1, across: 1 }, axes), { down: 2, across: 1 });
  assert.deepEqual(step("ArrowLeft", { down: 1, across: 0 }, axes), { down: 1, across: 0 });
  assert.deepEqual(step("End", { down: 1, across: 0 }, axes), { down: 1, across: 3 });
  assert.deepEqual(step("Home", { down: 1, across: 2 }, axes), { down: 1, across: 0 });
  assert.deepEqual(step("Home", { down: 1, across: 2 }, axes, { control: true }), { down: 0, across: 0 });
  assert.deepEqual(step("End", { down: 1, across: 2 }, axes, { control: true }), { down: 3, across: 3 });
  assert.equal(step("ArrowUp", { down: 1, across: 2 }, axes, { control: true }), null);
  assert.equal(step("x", { down: 1, across: 1 }, axes), null);
});

test("zooming is about the cursor, or else about the middle", () => {
  const four = Array(4).fill([0.25, 0.25, 0.25, 0.25]);
  const state = { ...initialState(), pattern: patternOf(["a", "b", "c", "d"], four) };
  assert.deepEqual(zoomed(shownIn(state), 0.5), { rows: [1, 3], columns: [1, 3] });
  assert.deepEqual(zoomed(shownIn(state), 0.5, { down: 3, across: 0 }), { rows: [2, 4], columns: [0, 2] });
  const flipped = { ...state, flip: true };
  assert.deepEqual(zoomed(shownIn(flipped), 0.5, { down: 3, across: 0 }), { rows: [0, 2], columns: [2, 4] });
  assert.deepEqual(zoomed(shownIn(state), 2), { rows: null, columns: null });
  assert.equal(pressed(key("+"), null, null), null);
});

const eight = patternOf("abcdefgh".split(""), Array(8).fill(Array(8).fill(0.125)));
const state8 = { ...initialState(), pattern: eight, rows: [2, 6], columns: [0, 4] };
const shown8 = shownIn(state8);
const key = (/** @type {string} */ name, /** @type {object} */ held = {}) =>
  /** @type {any} */ ({ key: name, shiftKey: false, ctrlKey: false, metaKey: false, ...held });

test("with Shift, an arrow key moves the window by half its size, as far as the text goes", () => {
  const moved = (/** @type {string} */ name) => pressed(key(name, { shiftKey: true }), shown8, null)?.patch;
  assert.deepEqual(moved("ArrowDown"), { rows: [4, 8], columns: [0, 4] });
  assert.deepEqual(moved("ArrowLeft"), { rows: [2, 6], columns: [0, 4] });
  assert.deepEqual(moved("ArrowRight"), { rows: [2, 6], columns: [2, 6] });
});

test("the first arrow key puts the cursor at the corner of the window, the next moves it and the window", () => {
  assert.deepEqual(pressed(key("ArrowDown"), shown8, null)?.to, { down: 2, across: 0 });
  const { to, patch } = pressed(key("ArrowDown"), shown8, { down: 5, across: 0 });
  assert.deepEqual(
    [to, patch],
    [
      { down: 6, across: 0 },
      { rows: [3, 7], columns: [0, 4] },
    ],
  );
});

test("keys of the browser are left to the browser", () => {
  assert.equal(pressed(key("+", { ctrlKey: true }), shown8, null), null);
  assert.equal(pressed(key("x"), shown8, null), null);
  assert.deepEqual(pressed(key("0"), shown8, null)?.patch, { rows: null, columns: null });
});

test("where a cell covers several tokens, an arrow key moves by one cell, and the mark covers the cell", () => {
  const pooled = { ...eight, matrix: matrixOf(Array(4).fill([1, 1, 1, 1]), 2) };
  const state = { ...initialState(), pattern: pooled };
  assert.deepEqual(pressed(key("ArrowDown"), shownIn(state), { down: 2, across: 4 })?.to, { down: 4, across: 4 });
  assert.deepEqual(cellPart(shownIn(state), { down: 3, across: 4 }), {
    down: [2, 4],
    across: [4, 6],
  });
  // The detail has single tokens.
  const closer = {
    ...pooled,
    detail: matrixOf(
      [
        [1, 1],
        [1, 1],
      ],
      1,
      { query: 2, key: 4 },
    ),
  };
  assert.deepEqual(cellPart({ ...shownIn(state), drawn: closer }, { down: 3, across: 4 }), {
    down: [3, 4],
    across: [4, 5],
  });
});
