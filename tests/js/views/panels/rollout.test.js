import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { figure, resultOf } from "../../../../static/js/views/panels/rollout.js";
import { captureOf, matrixOf } from "../../worlds.js";

const seen = (/** @type {string} */ text) => text.replace(/[\u2066-\u2069]/g, "");
const rows = [
  [1, 0],
  [0.25, 0.75],
];
const { tokens } = captureOf(["a", "<b>"]);

test("rows are tokens after the layers, from the top, and columns are input tokens", () => {
  const { data, layout } = figure(matrixOf(rows), tokens, "linear", false);
  assert.deepEqual(data[0].z, rows);
  assert.equal(seen(data[0].text[1][0]), '"a"(0) reaches "&lt;b&gt;"(1): 0.250');
  assert.deepEqual(layout.xaxis.ticktext, ["a", "&lt;b&gt;"]);
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

test("a long text has evenly spaced labels, at most 40", () => {
  const { tokens: many } = captureOf(Array.from({ length: 100 }, (_, at) => `t${at}`));
  const { tickvals, ticktext } = figure(matrixOf(rows), many, "linear", false).layout.xaxis;
  assert.deepEqual([tickvals.length, tickvals[1], ticktext[1], tickvals.at(-1)], [34, 3, "3 t3", 99]);
});

test("a long label is clipped, never inside an emoji", () => {
  const { tokens: long } = captureOf(["internationalization", `${"x".repeat(13)}😀y`]);
  const { ticktext } = figure(matrixOf(rows), long, "linear", false).layout.yaxis;
  assert.deepEqual(ticktext, ["internationali".slice(0, 13).concat("…"), `${"x".repeat(13)}…`]);
});

test("a result of another text is not shown", () => {
  const rollout = { id: "abc" };
  const state = /** @type {any} */ ({ ...initialState(), overview: { capture: captureOf(["a"]) }, rollout });
  assert.equal(resultOf(state), rollout);
  assert.equal(resultOf({ ...state, rollout: { id: "older" } }), null);
});
