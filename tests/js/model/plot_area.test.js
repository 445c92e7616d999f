import assert from "node:assert/strict";
import { test } from "node:test";
import { boxOf, placeUnder, plotArea } from "../../../static/js/model/plot_area.js";
import { captureOf } from "../worlds.js";

const area = { left: 100, top: 50, width: 400, height: 300, letters: 14, angle: 0, narrow: false };
const frame = { down: [6, 9], across: [10, 14] };

test("the box of a cell is where its row and column cross", () => {
  assert.deepEqual(boxOf(area, { down: [0, 3], across: [0, 4] }, { down: [2, 3], across: [1, 2] }), {
    left: 200,
    top: 250,
    width: 100,
    height: 100,
  });
});

test("in a window, boxes are measured from its corner", () => {
  assert.deepEqual(boxOf(area, frame, { down: [6, 7], across: [13, 14] }), {
    left: 400,
    top: 50,
    width: 100,
    height: 100,
  });
});

test("the place under a point is the one whose box contains it", () => {
  for (const cell of [
    { down: 6, across: 10 },
    { down: 8, across: 13 },
  ]) {
    const box = boxOf(area, frame, { down: [cell.down, cell.down + 1], across: [cell.across, cell.across + 1] });
    assert.deepEqual(placeUnder(area, frame, { x: box.left + 1, y: box.top + box.height - 1 }), cell);
  }
});

test("outside the cells there is no place", () => {
  for (const point of [
    { x: 99, y: 60 },
    { x: 500, y: 60 },
    { x: 110, y: 49 },
    { x: 110, y: 350 },
  ]) {
    assert.equal(placeUnder(area, { down: [0, 3], across: [0, 4] }, point), null);
  }
});

test("the labels of the keys are horizontal where they fit, then slanted, then vertical", () => {
  const angles = [3, 20, 60].map(
    (count) => plotArea(captureOf(Array(count).fill("overflowed")).tokens, { width: 760, height: 640 }).angle,
  );
  assert.deepEqual(angles, [0, -45, -90]);
});

test("on a phone there is space for the cells, even with the longest tokens", () => {
  for (const texts of [["a"], Array(512).fill("internationalization"), Array(40).fill("漢字仮名交じり文の長い言葉")]) {
    const { left, top, width, height } = plotArea(captureOf(texts).tokens, { width: 358, height: 430 });
    assert.ok(width > 180 && height > 180, `${width} x ${height}`);
    assert.ok(left + width <= 358 && top + height <= 430);
  }
});
