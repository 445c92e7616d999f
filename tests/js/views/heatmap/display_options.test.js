import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { foldedText, foldLabel } from "../../../../static/js/views/heatmap/display_options.js";
import { patternOf } from "../../worlds.js";

const seen = (/** @type {string} */ text) => text.replace(/[\u2066-\u2069]/g, "");
const even = Array(4).fill([0.25, 0.25, 0.25, 0.25]);

function pair() {
  const pattern = patternOf(["[CLS]", "a", "[SEP]", "b"], even);
  pattern.capture.tokens[3].segment = 1;
  return pattern;
}

test("the fold button names the tokens that it hides", () => {
  assert.equal(foldLabel(pair()), "hide [CLS], [SEP]");
  assert.equal(foldLabel(patternOf(["a", "b"], even, { causal: true })), "hide first token");
  assert.equal(foldLabel(null), "hide special tokens");
});

test("the folded tokens are named with their share of the attention", () => {
  const rows = [
    [1, 0],
    [0.71, 0.29],
  ];
  const state = { ...initialState(), pattern: patternOf(["a", "b"], rows, { causal: true }) };
  assert.equal(foldedText(state), "");
  assert.equal(
    foldedText({ ...state, fold: true }),
    "71 % of this head's attention goes to the first token (merged into one bar at the edge)",
  );
  const special = { ...state, fold: true, pattern: pair() };
  assert.match(
    seen(foldedText(special)),
    /^50 % of this head's attention goes to "\[CLS\]" and "\[SEP\]" \(merged into one bar at the edge\)$/,
  );
});

test("effects have no folded share, as they have no meaningful sum", () => {
  const state = { ...initialState(), fold: true, pattern: { ...pair(), longest: 8 } };
  assert.equal(foldedText(state), "");
});
