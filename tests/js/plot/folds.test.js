import assert from "node:assert/strict";
import { test } from "node:test";
import { geometryOf } from "../../../static/js/model/geometry.js";
import { figure } from "../../../static/js/plot/figure.js";
import { patternOf } from "../worlds.js";

const display = { rows: null, columns: null, fold: false, flip: false };
const size = { width: 700, height: 600 };
const colours = { ink: "black", line: "grey", masked: "silver" };

/** @param {any} pattern @param {object} [changes] of the display @param {Map<any, any>} [built] */
const drawn = (pattern, changes, built) =>
  figure(geometryOf({ pattern, ...display, ...changes }, size), "linear", colours, built);

test("the bar of folded keys has a colour for each query, beside the cells or below them", () => {
  const head = patternOf(
    ["[CLS]", "x", "y"],
    [
      [1, 0, 0],
      [1, 0, 0],
      [0, 0.5, 0.5],
    ],
  );
  const shapes = drawn(head, { fold: true }).layout.shapes;
  assert.deepEqual(
    shapes.map((/** @type {any} */ one) => [one.fillcolor, one.y0, one.y1, one.x0 > 1]),
    [
      ["rgb(253, 231, 37)", -0.5, 0.5, true],
      ["rgb(68, 1, 84)", 0.5, 1.5, true],
    ],
  );
  const flipped = drawn(head, { fold: true, flip: true }).layout.shapes;
  assert.deepEqual(
    flipped.map((/** @type {any} */ one) => [one.x0, one.x1, one.y0 < 0]),
    [
      [-0.5, 0.5, true],
      [0.5, 1.5, true],
    ],
  );
  assert.deepEqual(drawn(head).layout.shapes, []);
});

test("effects have no bar of folded keys, as they have no meaningful sum", () => {
  const rows = [
    [1, 0],
    [0.5, 0.5],
  ];
  const effects = { ...patternOf(["[CLS]", "x"], rows), longest: 8 };
  const { shapes, annotations } = drawn(effects, { fold: true }).layout;
  assert.deepEqual([shapes, annotations], [[], []]);
});
