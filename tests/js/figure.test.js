import assert from "node:assert/strict";
import { test } from "node:test";
import { figure } from "../../static/js/figure.js";
import { captureOf, matrixOf, patternOf } from "./worlds.js";

const look = { rows: null, columns: null, scale: "linear" };
const size = { width: 700, height: 600 };
const paint = { ink: "black", line: "grey", masked: "silver" };
const seen = (/** @type {string} */ text) => text.replace(/[\u2066-\u2069]/g, "");

const pattern = patternOf(
  ["mat", "sat", "mat"],
  [
    [1, 0, 0],
    [0.25, 0.75, 0],
    [0.5, 0, 0.5],
  ],
  { causal: true },
);

test("rows are queries from the top, columns keys, and the axes say so in words", () => {
  const { xaxis, yaxis } = figure(pattern, look, size, paint).layout;
  assert.match(xaxis.title.text, /^key: .*looked at/);
  assert.match(yaxis.title.text, /^query: .*that looks/);
  assert.deepEqual(xaxis.range, [-0.5, 2.5]);
  assert.deepEqual(yaxis.range, [2.5, -0.5]);
});

test("tokens that repeat keep places of their own", () => {
  const { xaxis } = figure(pattern, look, size, paint).layout;
  assert.deepEqual(xaxis.tickvals, [0, 1, 2]);
  assert.deepEqual(xaxis.ticktext.map(seen), ["mat", "sat", "mat"]);
});

test("masked cells are holes over a grey that shows through", () => {
  const { data, layout } = figure(pattern, look, size, paint);
  assert.deepEqual(data[0].z, [
    [1, null, null],
    [0.25, 0.75, null],
    [0.5, 0, 0.5],
  ]);
  assert.equal(layout.plot_bgcolor, "silver");
});

test("a colour means the same weight in every head", () => {
  const { zmin, zmax, zsmooth } = figure(pattern, look, size, paint).data[0];
  assert.deepEqual([zmin, zmax, zsmooth], [0, 1, false]);
});

test("a token that looks like a tag is shown and not obeyed", () => {
  const { layout } = figure(
    patternOf(
      ["<s>", "&amp;"],
      [
        [1, 0],
        [0, 1],
      ],
    ),
    look,
    size,
    paint,
  );
  assert.deepEqual(layout.yaxis.ticktext.map(seen), ["&lt;s&gt;", "&amp;amp;"]);
});

test("the window is what the axes show", () => {
  const { xaxis, yaxis } = figure(pattern, { ...look, rows: [1, 3], columns: [0, 2] }, size, paint).layout;
  assert.deepEqual(
    [xaxis.range, yaxis.range],
    [
      [-0.5, 1.5],
      [2.5, 0.5],
    ],
  );
  assert.deepEqual(yaxis.ticktext.map(seen), ["sat", "mat"]);
});

test("a pooled cell stands over the tokens it covers", () => {
  const pooled = {
    capture: captureOf(["a", "b", "c", "d"]),
    layer: 0,
    head: 0,
    matrix: matrixOf(
      [
        [1, 0],
        [0, 1],
      ],
      2,
    ),
  };
  const { x0, dx, y0, dy } = figure(pooled, look, size, paint).data[0];
  assert.deepEqual([x0, dx, y0, dy], [0.5, 2, 0.5, 2]);
});

test("one token has a picture", () => {
  const { data, layout } = figure(patternOf(["a"], [[1]]), look, size, paint);
  assert.deepEqual([data[0].z, layout.xaxis.range, layout.xaxis.ticktext.map(seen)], [[[1]], [-0.5, 0.5], ["a"]]);
});

test("a trace in hand is not built again", () => {
  const first = figure(pattern, look, size, paint).data[0];
  assert.equal(figure(pattern, look, size, paint, first).data[0].z, first.z);
});

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
