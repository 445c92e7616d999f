import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../static/js/state/store.js";
import { isBehind, modelLabel } from "../../static/js/ui/controls.js";
import { elapsedWords } from "../../static/js/ui/elapsed.js";
import { emptyText } from "../../static/js/views/heatmap/heatmap.js";
import { useless } from "../../static/js/views/heatmap/toolbar.js";
import { shareLines } from "../../static/js/views/inspect/facts.js";
import { captureOf, patternOf } from "./worlds.js";

test("a model says its size and state, and only what is known", () => {
  const { model } = captureOf(["a"]);
  assert.equal(modelLabel(model), "toy\u20032 × 3\u2003ready");
  assert.equal(modelLabel({ ...model, layers: null, heads: null, state: "available" }), "toy\u2003available");
});

test("pictures are behind while a run is on its way, and until grid and head are of one capture", () => {
  const pattern = patternOf(["a"], [[1]]);
  const overview = { capture: captureOf(["a"]) };
  const done = { ...initialState(), status: { kind: "done", message: "" }, overview, pattern };
  assert.equal(isBehind(/** @type {any} */ (done)), false);
  assert.equal(isBehind(/** @type {any} */ ({ ...done, status: { kind: "busy", message: "" } })), true);
  const newer = { capture: { ...overview.capture, id: "def" } };
  assert.equal(isBehind(/** @type {any} */ ({ ...done, overview: newer })), true);
  assert.equal(isBehind(/** @type {any} */ ({ ...done, overview: newer, pattern: null })), false);
});

test("a run that takes its time says how long it is on its way, in whole seconds", () => {
  assert.deepEqual([900, 2100, 12_900].map(elapsedWords), ["", "2 s", "12 s"]);
});

test("places that a text cannot have get no line", () => {
  const words = (/** @type {any} */ pattern) => shareLines(pattern).map((line) => line.words);
  const three = [
    [1, 0, 0],
    [0.5, 0.5, 0],
    [0.5, 0.25, 0.25],
  ];
  const causal = words(patternOf(["a", "b", "c"], three, { causal: true }));
  assert.deepEqual(causal, ["itself", "the token before", "the first token"]);
  const one = words(patternOf(["[CLS]", "b", "[SEP]"], three));
  assert.deepEqual(one, ["itself", "special tokens"]);
  const all = words(patternOf(["a", "b", "c"], three));
  assert.deepEqual(all, ["itself", "the token before", "the token after", "elsewhere"]);
  assert.deepEqual(words(patternOf(["a"], [[1]], { causal: true })), []);
});

test("the place of the picture says why there is none", () => {
  const state = initialState();
  assert.match(emptyText(state), /No text yet/);
  assert.match(emptyText({ ...state, text: "x", status: { kind: "error", message: "" } }), /message above/);
  assert.equal(emptyText({ ...state, status: { kind: "busy", message: "" } }), "");
});

test("a zoom button that would change nothing is no button", () => {
  const four = { ...initialState(), pattern: patternOf(["a", "b", "c", "d"], Array(4).fill([0.25, 0.25, 0.25, 0.25])) };
  assert.deepEqual(useless(four), ["out", "all"]);
  assert.deepEqual(useless({ ...four, rows: [1, 3], columns: [0, 2] }), ["in"]);
  assert.deepEqual(useless({ ...four, rows: [1, 3] }), []);
  // A window that does not fit the text shows all of it.
  assert.deepEqual(useless({ ...four, rows: [0, 4000] }), ["out", "all"]);
  assert.deepEqual(useless({ ...four, pattern: patternOf(["a"], [[1]]) }), ["out", "all", "in"]);
});
