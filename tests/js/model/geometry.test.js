import assert from "node:assert/strict";
import { test } from "node:test";
import { geometryOf } from "../../../static/js/model/geometry.js";
import { initialState } from "../../../static/js/state/store.js";
import { patternOf } from "../worlds.js";

const size = { width: 700, height: 600 };
const four = patternOf(["[CLS]", "a", "b", "[SEP]"], Array(4).fill([0.25, 0.25, 0.25, 0.25]));
const state = { ...initialState(), pattern: four };

test("without a head there is no geometry", () => {
  assert.equal(geometryOf(initialState(), size), null);
});

test("the geometry has the axes, the shown part of them, the area of the cells and the pattern to draw", () => {
  const shown = geometryOf({ ...state, rows: [1, 3] }, size);
  assert.deepEqual(shown.axes, { down: [0, 1, 2, 3], across: [0, 1, 2, 3], flipped: false });
  assert.deepEqual(shown.frame, { down: [1, 3], across: [0, 4] });
  assert.equal(shown.folded, false);
  assert.equal(shown.drawn, four);
  const { left, top, width, height } = shown.area;
  assert.ok(left > 0 && top > 0 && left + width <= 700 && top + height <= 600);
});

test("folding, orientation and window belong together", () => {
  const { axes, frame, folded } = geometryOf({ ...state, fold: true, flip: true, rows: [1, 2] }, size);
  assert.deepEqual(axes, { down: [1, 2], across: [1, 2], flipped: true });
  assert.deepEqual(frame, { down: [0, 2], across: [0, 1] });
  assert.equal(folded, true);
});

test("the drawn pattern has no more cells than the area has pixels, and none while the stage is hidden", () => {
  const count = 300;
  const texts = Array.from({ length: count }, (_, at) => String(at));
  const large = { ...state, pattern: patternOf(texts, Array(count).fill(Array(count).fill(1 / count))) };
  const { area, drawn } = geometryOf(large, { width: 300, height: 300 });
  assert.ok(drawn.matrix.rows <= area.height && drawn.matrix.columns <= area.width);
  assert.equal(geometryOf(large, { width: 0, height: 0 }).drawn, large.pattern);
});

test("the same inputs give the same record, and a change of any of them another", () => {
  const first = geometryOf(state, size);
  assert.equal(geometryOf({ ...state, text: "other" }, { ...size }), first);
  for (const change of [{ rows: [0, 2] }, { columns: [0, 2] }, { fold: true }, { flip: true }]) {
    assert.notEqual(geometryOf({ ...state, ...change }, size), geometryOf(state, size));
  }
  for (const change of [{ width: 701 }, { height: 601 }, { density: 2 }]) {
    assert.notEqual(geometryOf(state, { ...size, ...change }), geometryOf(state, size));
  }
});
