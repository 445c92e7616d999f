import assert from "node:assert/strict";
import { test } from "node:test";
import { geometryOf } from "../../../static/js/model/geometry.js";
import { figure } from "../../../static/js/plot/figure.js";
import { matrixOf, patternOf } from "../worlds.js";

const display = { rows: null, columns: null, fold: false, flip: false };
const size = { width: 700, height: 600 };
const colours = { ink: "black", line: "grey", masked: "silver" };

/** @param {any} pattern @param {object} [changes] of the display @param {Map<any, any>} [built] */
const drawn = (pattern, changes, built) =>
  figure(geometryOf({ pattern, ...display, ...changes }, size), "linear", colours, built);
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

test("rows are queries from the top, columns are keys, and the axes have titles", () => {
  const { xaxis, yaxis } = drawn(pattern).layout;
  assert.match(xaxis.title.text, /^key: .*attended to/);
  assert.match(yaxis.title.text, /^query: .*that attends/);
  assert.deepEqual(xaxis.range, [-0.5, 2.5]);
  assert.deepEqual(yaxis.range, [2.5, -0.5]);
});

test("repeated tokens have places of their own", () => {
  const { xaxis } = drawn(pattern).layout;
  assert.deepEqual(xaxis.tickvals, [0, 1, 2]);
  assert.deepEqual(xaxis.ticktext.map(seen), ["mat", "sat", "mat"]);
});

test("masked cells are transparent and show the grey background", () => {
  const { data, layout } = drawn(pattern);
  assert.deepEqual(data[0].z, [
    [1, null, null],
    [0.25, 0.75, null],
    [0.5, 0, 0.5],
  ]);
  assert.equal(layout.plot_bgcolor, "silver");
});

test("a colour means the same weight in every head", () => {
  const { zmin, zmax, zsmooth } = drawn(pattern).data[0];
  assert.deepEqual([zmin, zmax, zsmooth], [0, 1, false]);
});

test("a token that looks like a tag is shown as text", () => {
  const { layout } = drawn(
    patternOf(
      ["<s>", "&amp;"],
      [
        [1, 0],
        [0, 1],
      ],
    ),
  );
  assert.deepEqual(layout.yaxis.ticktext.map(seen), ["&lt;s&gt;", "&amp;amp;"]);
});

test("the window is what the axes show", () => {
  const { xaxis, yaxis } = drawn(pattern, { rows: [1, 3], columns: [0, 2] }).layout;
  assert.deepEqual(
    [xaxis.range, yaxis.range],
    [
      [-0.5, 1.5],
      [2.5, 0.5],
    ],
  );
  assert.deepEqual(yaxis.ticktext.map(seen), ["sat", "mat"]);
});

test("a pooled cell is drawn over the tokens that it covers", () => {
  const pooled = patternOf(
    ["a", "b", "c", "d"],
    [
      [1, 0],
      [0, 1],
    ],
    { step: 2 },
  );
  const { x0, dx, y0, dy } = drawn(pooled).data[0];
  assert.deepEqual([x0, dx, y0, dy], [0.5, 2, 0.5, 2]);
});

test("one token has a heatmap", () => {
  const { data, layout } = drawn(patternOf(["a"], [[1]]));
  assert.deepEqual([data[0].z, layout.xaxis.range, layout.xaxis.ticktext.map(seen)], [[[1]], [-0.5, 0.5], ["a"]]);
});

test("a known trace is not built again", () => {
  const built = new Map();
  const first = drawn(pattern, {}, built).data[0];
  assert.equal(drawn(pattern, {}, built).data[0].z, first.z);
});

test("the detail is drawn over the whole heatmap at its place, and covers it where it is masked", () => {
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
  const { data } = drawn({ ...whole, matrix: matrixOf(rows, 2), detail });
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

test("flipped, the axis titles are swapped", () => {
  const { xaxis, yaxis } = drawn(pattern, { flip: true }).layout;
  assert.match(xaxis.title.text, /^query/);
  assert.match(yaxis.title.text, /^key/);
});
