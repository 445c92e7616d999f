import assert from "node:assert/strict";
import { test } from "node:test";
import { figure } from "../../../static/js/plot/figure.js";
import { patternOf } from "../worlds.js";

const look = { rows: null, columns: null, scale: "linear" };
const size = { width: 700, height: 600 };
const paint = { ink: "black", line: "grey", masked: "silver" };

test("the strip of what is folded away has a colour for each query, beside the cells or below them", () => {
  const head = patternOf(
    ["[CLS]", "x", "y"],
    [
      [1, 0, 0],
      [1, 0, 0],
      [0, 0.5, 0.5],
    ],
  );
  const drawn = figure(head, { ...look, fold: true }, size, paint).layout.shapes;
  assert.deepEqual(
    drawn.map((/** @type {any} */ one) => [one.fillcolor, one.y0, one.y1, one.x0 > 1]),
    [
      ["rgb(253, 231, 37)", -0.5, 0.5, true],
      ["rgb(68, 1, 84)", 0.5, 1.5, true],
    ],
  );
  const flipped = figure(head, { ...look, fold: true, flip: true }, size, paint).layout.shapes;
  assert.deepEqual(
    flipped.map((/** @type {any} */ one) => [one.x0, one.x1, one.y0 < 0]),
    [
      [-0.5, 0.5, true],
      [0.5, 1.5, true],
    ],
  );
  assert.deepEqual(figure(head, look, size, paint).layout.shapes, []);
});

test("effects that are folded away have no strip, as they add up to nothing", () => {
  const rows = [
    [1, 0],
    [0.5, 0.5],
  ];
  const effects = { ...patternOf(["[CLS]", "x"], rows), longest: 8 };
  const { shapes, annotations } = figure(effects, { ...look, fold: true }, size, paint).layout;
  assert.deepEqual([shapes, annotations], [[], []]);
});
