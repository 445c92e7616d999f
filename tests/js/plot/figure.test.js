import assert from "node:assert/strict";
import { test } from "node:test";
import { figure } from "../../../static/js/plot/figure.js";
import { matrixOf, patternOf } from "../worlds.js";

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
  const pooled = patternOf(
    ["a", "b", "c", "d"],
    [
      [1, 0],
      [0, 1],
    ],
    { step: 2 },
  );
  const { x0, dx, y0, dy } = figure(pooled, look, size, paint).data[0];
  assert.deepEqual([x0, dx, y0, dy], [0.5, 2, 0.5, 2]);
});

test("one token has a picture", () => {
  const { data, layout } = figure(patternOf(["a"], [[1]]), look, size, paint);
  assert.deepEqual([data[0].z, layout.xaxis.range, layout.xaxis.ticktext.map(seen)], [[[1]], [-0.5, 0.5], ["a"]]);
});

test("a trace in hand is not built again", () => {
  const built = new Map();
  const first = figure(pattern, look, size, paint, built).data[0];
  assert.equal(figure(pattern, look, size, paint, built).data[0].z, first.z);
});

test("the closer look lies over the whole at its own place, and hides it where it is masked", () => {
  const rows = [
    [1, 0],
    [0.5, 0.5],
  ];
  const whole = patternOf(["a", "b", "c", "d"], rows, { causal: true });
  const detail = matrixOf(
    [
      [0.5, 0],
      [0.25, 0.75],
    ],
    1,
    { query: 2, key: 2 },
  );
  const { data } = figure({ ...whole, matrix: matrixOf(rows, 2), detail }, look, size, paint);
  const { z, x0, dx, y0, dy, zmin, zmax, showscale, colorscale } = data[1];
  assert.deepEqual([x0, dx, y0, dy], [2, 1, 2, 1]);
  assert.deepEqual(z, [
    [0.5, -1],
    [0.25, 0.75],
  ]);
  assert.deepEqual([zmin, zmax, showscale, data.length], [-1, 1, false, 2]);
  // A weight has the same colour in both: 0 is the middle of this scale and the start of the other.
  assert.deepEqual(colorscale[0], [0, "silver"]);
  assert.deepEqual(colorscale[2], [0.5, data[0].colorscale[0][1]]);
  assert.deepEqual(colorscale.at(-1), data[0].colorscale.at(-1));
});
