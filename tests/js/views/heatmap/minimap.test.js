import assert from "node:assert/strict";
import { test } from "node:test";
import { shownTokens } from "../../../../static/js/model/axes.js";
import { initialState } from "../../../../static/js/state/store.js";
import { windowFractions, windowsAround } from "../../../../static/js/views/heatmap/minimap.js";
import { patternOf } from "../../worlds.js";

const eight = patternOf("abcdefgh".split(""), Array(8).fill(Array(8).fill(0.125)));
const state = { ...initialState(), pattern: eight, rows: [0, 4], columns: [2, 4] };

test("the window is a fraction of the whole heatmap, flipped or not", () => {
  const shown = (/** @type {any} */ display) => windowFractions(shownTokens(eight, display));
  assert.deepEqual(shown(state), { down: { from: 0, part: 0.5 }, across: { from: 0.25, part: 0.25 } });
  const flipped = { ...state, flip: true };
  assert.deepEqual(shown(flipped), { down: { from: 0.25, part: 0.25 }, across: { from: 0, part: 0.5 } });
});

test("a point of the minimap becomes the middle of the window, as near as the edges allow", () => {
  assert.deepEqual(windowsAround(shownTokens(eight, state), { down: 0.5, across: 0.5 }), {
    rows: [2, 6],
    columns: [3, 5],
  });
  assert.deepEqual(windowsAround(shownTokens(eight, state), { down: 1, across: 0 }), { rows: [4, 8], columns: [0, 2] });
  assert.deepEqual(windowsAround(shownTokens(eight, { ...state, flip: true }), { down: 0, across: 1 }), {
    rows: [4, 8],
    columns: [0, 2],
  });
});
