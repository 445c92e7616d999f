import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { chartScore, figure } from "../../../../static/js/views/panels/scores.js";
import { captureOf, scoreOf } from "../../worlds.js";

const none = { layer: null, head: null };
const values = [
  [0.25, 0.75],
  [0.5, null],
];

test("rows are layers from the top, columns are heads, and each cell names its head", () => {
  const { data, layout } = figure(scoreOf(values), none);
  assert.deepEqual(data[0].z, values);
  assert.deepEqual(data[0].text, [
    ["layer 0, head 0: 0.250", "layer 0, head 1: 0.750"],
    ["layer 1, head 0: 0.500", "layer 1, head 1: not defined"],
  ]);
  assert.deepEqual([layout.xaxis.title.text, layout.yaxis.title.text], ["head", "layer"]);
  assert.equal(layout.yaxis.autorange, "reversed");
});

test("the colours of shares start at 0, those of other units at the smallest value", () => {
  const ends = (/** @type {any} */ { data: [{ zmin, zmax }] }) => [zmin, zmax];
  assert.deepEqual(ends(figure(scoreOf(values), none)), [0, 0.75]);
  assert.deepEqual(ends(figure(scoreOf([[1, 3]], { unit: "bits" }), none)), [1, 3]);
});

test("a signed score has white at 0 and equal ranges on both sides", () => {
  const { zmin, zmax, colorscale } = figure(scoreOf([[-4, 1]], { unit: "tokens" }), none).data[0];
  assert.deepEqual([zmin, zmax, colorscale[1]], [-4, 4, [0.5, "#ffffff"]]);
  const ahead = figure(scoreOf([[-1, 4]], { unit: "tokens" }), none).data[0];
  assert.deepEqual([ahead.zmin, ahead.zmax], [-4, 4]);
});

test("only the chosen head has a frame", () => {
  const [{ x0, x1, y0, y1 }] = figure(scoreOf(values), { layer: 1, head: 0 }).layout.shapes;
  assert.deepEqual([x0, x1, y0, y1], [-0.5, 0.5, 0.5, 1.5]);
  assert.deepEqual(figure(scoreOf(values), none).layout.shapes, []);
});

test("a score without values has empty cells", () => {
  const { z, zmin, zmax } = figure(scoreOf([[null, null]]), none).data[0];
  assert.deepEqual([z, zmin, zmax], [[[null, null]], 0, 1]);
});

test("with more than 24 layers, every fourth is labelled", () => {
  const many = Array.from({ length: 30 }, () => [0.5]);
  const { xaxis, yaxis } = figure(scoreOf(many), none).layout;
  assert.deepEqual([xaxis.dtick, yaxis.dtick], [1, 4]);
});

test("the chart shows the score of the grid, or else the first, and only for this text", () => {
  const [first, second] = [scoreOf(values, { name: "entropy" }), scoreOf(values)];
  const findings = { id: "abc", scores: [first, second], roles: {} };
  const state = /** @type {any} */ ({ ...initialState(), overview: { capture: captureOf(["a"]) }, findings });
  assert.equal(chartScore(state), first);
  assert.equal(chartScore({ ...state, score: "previous" }), second);
  assert.equal(chartScore({ ...state, score: "nonsense" }), first);
  assert.equal(chartScore({ ...state, findings: { ...findings, id: "older" } }), null);
  assert.equal(chartScore({ ...state, findings: null }), null);
});
