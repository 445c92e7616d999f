import assert from "node:assert/strict";
import { test } from "node:test";
import { cellBox, cellUnder, plotArea } from "../../../static/js/plot/plotarea.js";
import { captureOf } from "../worlds.js";

const area = { left: 100, top: 50, width: 400, height: 300, letters: 14, angle: 0, narrow: false };
const frame = { down: [6, 9], across: [10, 14] };

test("a cell lies where its row and column cross", () => {
  assert.deepEqual(cellBox(area, { down: [0, 3], across: [0, 4] }, { down: 2, across: 1 }), {
    left: 200,
    top: 250,
    width: 100,
    height: 100,
  });
});

test("in a window, places count from its corner", () => {
  assert.deepEqual(cellBox(area, frame, { down: 6, across: 13 }), {
    left: 400,
    top: 50,
    width: 100,
    height: 100,
  });
});

test("the cell under a point is the one whose box holds it", () => {
  for (const cell of [
    { down: 6, across: 10 },
    { down: 8, across: 13 },
  ]) {
    const box = cellBox(area, frame, cell);
    assert.deepEqual(cellUnder(area, frame, { x: box.left + 1, y: box.top + box.height - 1 }), cell);
  }
});

test("beside the cells there is none", () => {
  for (const point of [
    { x: 99, y: 60 },
    { x: 500, y: 60 },
    { x: 110, y: 49 },
    { x: 110, y: 350 },
  ]) {
    assert.equal(cellUnder(area, { down: [0, 3], across: [0, 4] }, point), null);
  }
});

test("key labels lie flat while they fit, then lean, then stand", () => {
  const angles = [3, 20, 60].map(
    (count) => plotArea(captureOf(Array(count).fill("overflowed")).tokens, { width: 760, height: 640 }).angle,
  );
  assert.deepEqual(angles, [0, -45, -90]);
});

test("cells keep room on a phone, with the longest tokens", () => {
  for (const texts of [["a"], Array(512).fill("internationalization"), Array(40).fill("漢字仮名交じり文の長い言葉")]) {
    const { left, top, width, height } = plotArea(captureOf(texts).tokens, { width: 358, height: 430 });
    assert.ok(width > 180 && height > 180, `${width} x ${height}`);
    assert.ok(left + width <= 358 && top + height <= 430);
  }
});
