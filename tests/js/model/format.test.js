import assert from "node:assert/strict";
import { test } from "node:test";
import {
  amount,
  cellSentence,
  clip,
  escapeLabel,
  length,
  percent,
  plural,
  seconds,
  weight,
} from "../../../static/js/model/format.js";
import { matrixOf, patternOf } from "../worlds.js";

/** The visible text: isolates have no width. @param {string} text */
const seen = (text) => text.replace(/[\u2066-\u2069]/g, "");

test("a label cannot become markup", () => {
  assert.equal(escapeLabel('<b>&lt;"</b>'), '&lt;b&gt;&amp;lt;"&lt;/b&gt;');
});

test("clip counts grapheme clusters and cuts no emoji", () => {
  assert.equal(clip("internationalization", 8), "interna…");
  assert.equal(clip("👩‍👩‍👧‍👦👍🏽", 2), "👩‍👩‍👧‍👦👍🏽");
  assert.equal(clip("👩‍👩‍👧‍👦👍🏽x", 2), "👩‍👩‍👧‍👦…");
});

test("a weight has three decimals, and a smaller one is written as below the limit", () => {
  assert.deepEqual([1, 0.41249, 0.001, 0.0009, 4e-21].map(weight), ["1.000", "0.412", "0.001", "< 0.001", "< 0.001"]);
  assert.deepEqual([1, 0.5, 0.01, 0.009, 4e-21].map(percent), ["100 %", "50 %", "1 %", "< 1 %", "< 1 %"]);
});

test("only what is exactly zero reads as zero", () => {
  assert.deepEqual([weight(0), percent(0)], ["0", "0 %"]);
});

test("counts and times read as words", () => {
  assert.deepEqual([plural(1, "token"), plural(12, "token")], ["1 token", "12 tokens"]);
  assert.deepEqual([40, 200, 1240, 12_000].map(seconds), ["40 ms", "0.2 s", "1.2 s", "12 s"]);
});

test("a cell is a sentence with the positions of its tokens", () => {
  const pattern = patternOf(
    ["mat", "sat"],
    [
      [0.588, 0.412],
      [0, 1],
    ],
  );
  assert.equal(seen(cellSentence(pattern, { query: 0, key: 1 })), '"mat"(0) attends to "sat"(1): 0.412');
});

test("a masked cell says so and shows no weight", () => {
  const pattern = patternOf(
    ["a", "b"],
    [
      [1, 0],
      [0.5, 0.5],
    ],
    { causal: true },
  );
  assert.equal(seen(cellSentence(pattern, { query: 0, key: 1 })), '"a"(0) may not attend to "b"(1), which comes later');
});

test("a token that runs right to left is isolated from the sentence around it", () => {
  const pattern = patternOf(
    ["שלום", "b"],
    [
      [1, 0],
      [0.5, 0.5],
    ],
  );
  assert.equal(cellSentence(pattern, { query: 0, key: 1 }), '"\u2068שלום\u2069"(0) attends to "\u2068b\u2069"(1): 0');
});

test("a pooled cell has the positions that it covers, and the tokens of its maximum once they are known", () => {
  const pattern = patternOf(
    ["a", "b", "c", "d"],
    [
      [0.5, 0.2],
      [0.1, 0.9],
    ],
    { step: 2 },
  );
  const exact = matrixOf([[0.1], [0.2]], 1, { query: 0, key: 2 });
  const expected = "queries 0\u20131, keys 2\u20133: largest weight 0.200";
  assert.equal(seen(cellSentence(pattern, { query: 1, key: 2 })), expected);
  assert.equal(seen(cellSentence(pattern, { query: 1, key: 2 }, exact)), `${expected} ("b"(1) → "c"(2))`);
});

test("a length has three digits, however small", () => {
  assert.deepEqual([0, 12.345, 0.00123456].map(length), ["0", "12.3", "0.00123"]);
});

test("an effect is written as its length, a weight as a weight", () => {
  assert.equal(amount({}, 0.5), "0.500");
  assert.equal(amount({ longest: 8 }, 0.5), "4.00");
  assert.equal(amount({ longest: 0 }, 0), "0");
  // Rounding errors of the largest effect are no effects.
  assert.deepEqual([amount({ longest: 50 }, 1e-7), amount({ longest: 50 }, 2e-6)], ["0", "0.000100"]);
});

test("an effect is that of a key on a query", () => {
  const rows = [
    [0.5, 0.2],
    [0.25, 1],
  ];
  const cell = { query: 1, key: 0 };
  const exact = { ...patternOf(["mat", "sat"], rows), longest: 8 };
  assert.equal(seen(cellSentence(exact, cell)), 'effect of "mat"(0) on "sat"(1): 2.00');
  const pooled = { ...patternOf(["a", "b", "c", "d"], rows, { step: 2 }), longest: 8 };
  assert.equal(
    seen(cellSentence(pooled, { query: 2, key: 0 })),
    "effect of keys 0\u20131 on queries 2\u20133: at most 2.00",
  );
  const causal = { ...patternOf(["mat", "sat"], rows, { causal: true }), longest: 8 };
  assert.equal(
    seen(cellSentence(causal, { query: 0, key: 1 })),
    '"mat"(0) may not attend to "sat"(1), which comes later',
  );
});
