import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { foldedWords, foldWords } from "../../../../static/js/views/heatmap/display.js";
import { patternOf } from "../../worlds.js";

const seen = (/** @type {string} */ text) => text.replace(/[\u2066-\u2069]/g, "");
const even = Array(4).fill([0.25, 0.25, 0.25, 0.25]);

function pair() {
  const pattern = patternOf(["[CLS]", "a", "[SEP]", "b"], even);
  pattern.capture.tokens[3].segment = 1;
  return pattern;
}

test("the fold button names what it hides", () => {
  assert.equal(foldWords(pair()), "fold [CLS], [SEP]");
  assert.equal(foldWords(patternOf(["a", "b"], even, { causal: true })), "fold first token");
  assert.equal(foldWords(null), "fold");
});

test("what is folded is said with its share", () => {
  const rows = [
    [1, 0],
    [0.71, 0.29],
  ];
  const state = { ...initialState(), pattern: patternOf(["a", "b"], rows, { causal: true }) };
  assert.equal(foldedWords(state), "");
  assert.equal(
    foldedWords({ ...state, fold: true }),
    "71 % of this head's attention is on the first token (folded into the strip at the edge)",
  );
  const special = { ...state, fold: true, pattern: pair() };
  assert.match(
    seen(foldedWords(special)),
    /^50 % of this head's attention is on "\[CLS\]" and "\[SEP\]" \(folded into the strip at the edge\)$/,
  );
});

test("of effects no share is folded, as they add up to nothing", () => {
  const state = { ...initialState(), fold: true, pattern: { ...pair(), longest: 8 } };
  assert.equal(foldedWords(state), "");
});
