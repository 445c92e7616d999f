import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { figure as draw, resultOf } from "../../../../static/js/views/panels/rollout.js";
import { captureOf, matrixOf } from "../../worlds.js";

const seen = (/** @type {string} */ text) => text.replace(/[\u2066-\u2069]/g, "");
const rows = [
  [1, 0],
  [0.25, 0.75],
];
const { tokens } = captureOf(["a", "<b>"]);
const wide = { width: 720, height: 560 };

/** @param {any} matrix @param {any} of @param {any} scale @param {boolean} causal @param {any} [result] @param {[any, boolean]} [space] */
const figure = (matrix, of, scale, causal, result = {}, space = [wide, false]) =>
  draw(matrix, of, scale, causal, result, ...space);

test("rows are tokens after the layers, from the top, and columns are input tokens", () => {
  const { data, layout } = figure(matrixOf(rows), tokens, "linear", false);
  assert.deepEqual(data[0].z, rows);
  assert.equal(seen(data[0].text[1][0]), '"a"(0) reaches "&lt;b&gt;"(1): 0.250');
  assert.deepEqual(layout.xaxis.ticktext.map(seen), ["a", "&lt;b&gt;"]);
  assert.deepEqual([layout.yaxis.autorange, layout.xaxis.side], ["reversed", "top"]);
});

test("a flow has its own wording and its own colour range", () => {
  const { data, layout } = figure(
    matrixOf([
      [2, 0],
      [0.5, 1],
    ]),
    tokens,
    "linear",
    false,
    { kind: "flow", layer: 5 },
  );
  assert.deepEqual(data[0].z, [
    [1, 0],
    [0.25, 0.5],
  ]);
  assert.equal(seen(data[0].text[1][0]), 'maximum flow from "&lt;b&gt;"(1) to "a"(0): 0.500');
  assert.deepEqual([data[0].colorbar.title.text, data[0].colorbar.ticktext.at(-1)], ["maximum flow", "2"]);
  assert.equal(layout.yaxis.title.text, "output token (after layer 5)");
});

test("masked cells are empty", () => {
  assert.deepEqual(figure(matrixOf(rows), tokens, "linear", true).data[0].z, [
    [1, null],
    [0.25, 0.75],
  ]);
});

test("colours follow the colour scale of the page", () => {
  assert.equal(figure(matrixOf(rows), tokens, "sqrt", false).data[0].z[1][0], 0.5);
});

test("a pooled cell is centred over its tokens", () => {
  const { tokens: four } = captureOf(["a", "b", "c", "d"]);
  const { x0, dx, y0, dy, text } = figure(matrixOf(rows, 2), four, "linear", false).data[0];
  assert.deepEqual([x0, dx, y0, dy], [0.5, 2, 0.5, 2]);
  assert.equal(seen(text[1][0]), "tokens 0\u20131 reach tokens 2\u20133: 0.250");
});

test("a long text has as many labels as fit, evenly spaced and with their positions", () => {
  const { tokens: many } = captureOf(Array.from({ length: 100 }, (_, at) => `t${at}`));
  const { xaxis, yaxis } = figure(matrixOf(rows), many, "linear", false).layout;
  // 13 pixels each: 40 fit across, 33 down.
  assert.deepEqual([xaxis.tickvals.length, xaxis.tickvals[1], seen(xaxis.ticktext[1])], [20, 5, "5 t5"]);
  assert.deepEqual(yaxis.tickvals.length, 20);
});

test("on a phone, the colour bar is below the cells and labels are vertical, with space for each", () => {
  const { tokens: some } = captureOf(Array.from({ length: 18 }, (_, at) => `t${at}`));
  const phone = [{ width: 358, height: 560 }, true];
  const { data, layout } = figure(matrixOf(rows), some, "linear", false, {}, /** @type {any} */ (phone));
  assert.deepEqual([data[0].colorbar.orientation, data[0].colorbar.title.side], ["h", "bottom"]);
  assert.deepEqual([layout.xaxis.tickangle, layout.xaxis.tickvals.length], [-90, 18]);
  const { tokens: more } = captureOf(Array.from({ length: 30 }, (_, at) => `t${at}`));
  const fewer = figure(matrixOf(rows), more, "linear", false, {}, /** @type {any} */ (phone)).layout.xaxis;
  assert.equal(fewer.tickvals.length, 15);
});

test("a long label is clipped, never inside an emoji", () => {
  const { tokens: long } = captureOf(["internationalization", `${"x".repeat(13)}😀y`]);
  const { ticktext } = figure(matrixOf(rows), long, "linear", false).layout.yaxis;
  assert.deepEqual(ticktext.map(seen), ["internationali".slice(0, 13).concat("…"), `${"x".repeat(13)}…`]);
});

test("a result of another text is not shown", () => {
  const rollout = { id: "abc" };
  const state = /** @type {any} */ ({ ...initialState(), overview: { capture: captureOf(["a"]) }, rollout });
  assert.equal(resultOf(state), rollout);
  assert.equal(resultOf({ ...state, rollout: { id: "older" } }), null);
});
