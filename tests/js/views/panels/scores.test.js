import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { figure, mapped } from "../../../../static/js/views/panels/scores.js";
import { captureOf, scoreOf } from "../../worlds.js";

const nobody = { layer: null, head: null };
const values = [
  [0.25, 0.75],
  [0.5, null],
];

test("a row is a layer from the top, a column a head, and each cell says whose it is", () => {
  const { data, layout } = figure(scoreOf(values), nobody);
  assert.deepEqual(data[0].z, values);
  assert.deepEqual(data[0].text, [
    ["layer 0, head 0: 0.250", "layer 0, head 1: 0.750"],
    ["layer 1, head 0: 0.500", "layer 1, head 1: none"],
  ]);
  assert.deepEqual([layout.xaxis.title.text, layout.yaxis.title.text], ["head", "layer"]);
  assert.equal(layout.yaxis.autorange, "reversed");
});

test("shares begin at 0, others at their least", () => {
  const ends = (/** @type {any} */ { data: [{ zmin, zmax }] }) => [zmin, zmax];
  assert.deepEqual(ends(figure(scoreOf(values), nobody)), [0, 0.75]);
  assert.deepEqual(ends(figure(scoreOf([[1, 3]], { unit: "bits" }), nobody)), [1, 3]);
});

test("a score with a sign has white at 0, and as much colour on either side", () => {
  const { zmin, zmax, colorscale } = figure(scoreOf([[-4, 1]], { unit: "tokens" }), nobody).data[0];
  assert.deepEqual([zmin, zmax, colorscale[1]], [-4, 4, [0.5, "#ffffff"]]);
  const ahead = figure(scoreOf([[-1, 4]], { unit: "tokens" }), nobody).data[0];
  assert.deepEqual([ahead.zmin, ahead.zmax], [-4, 4]);
});

test("the chosen head is framed, and no other", () => {
  const [{ x0, x1, y0, y1 }] = figure(scoreOf(values), { layer: 1, head: 0 }).layout.shapes;
  assert.deepEqual([x0, x1, y0, y1], [-0.5, 0.5, 0.5, 1.5]);
  assert.deepEqual(figure(scoreOf(values), nobody).layout.shapes, []);
});

test("heads without any value have a map of holes", () => {
  const { z, zmin, zmax } = figure(scoreOf([[null, null]]), nobody).data[0];
  assert.deepEqual([z, zmin, zmax], [[[null, null]], 0, 1]);
});

test("of many layers and heads, every fourth is labelled", () => {
  const many = Array.from({ length: 30 }, () => [0.5]);
  const { xaxis, yaxis } = figure(scoreOf(many), nobody).layout;
  assert.deepEqual([xaxis.dtick, yaxis.dtick], [1, 4]);
});

test("the map shows the score of the grid, or the first, and only those of this text", () => {
  const [first, second] = [scoreOf(values, { name: "entropy" }), scoreOf(values)];
  const findings = { id: "abc", scores: [first, second], roles: {} };
  const state = /** @type {any} */ ({ ...initialState(), overview: { capture: captureOf(["a"]) }, findings });
  assert.equal(mapped(state), first);
  assert.equal(mapped({ ...state, score: "previous" }), second);
  assert.equal(mapped({ ...state, score: "nonsense" }), first);
  assert.equal(mapped({ ...state, findings: { ...findings, id: "older" } }), null);
  assert.equal(mapped({ ...state, findings: null }), null);
});
