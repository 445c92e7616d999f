import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { findTokens, goTo, nextMatch } from "../../../../static/js/views/tokens/find.js";
import { captureOf, patternOf } from "../../worlds.js";

/** @param {[number | null, number | null, number?][]} spans */
const tokensAt = (spans) => {
  const { tokens } = captureOf(spans.map((_, index) => String(index)));
  return tokens.map((token, at) => ({ ...token, start: spans[at][0], end: spans[at][1], segment: spans[at][2] ?? 0 }));
};
const texts = { text: "🙂 The cat, the dog.", text_pair: "" };
// [CLS] 🙂 the cat , the dog . in code points: the smile is one, and two in JavaScript.
const tokens = tokensAt([
  [null, null],
  [0, 1],
  [2, 5],
  [6, 9],
  [9, 10],
  [11, 14],
  [15, 18],
  [18, 19],
]);

test("a search ignores case and finds the token where the match begins", () => {
  assert.deepEqual(findTokens(texts, tokens, "the"), [2, 5]);
  assert.deepEqual(findTokens(texts, tokens, "CAT, the"), [3]);
  // Within a token counts.
  assert.deepEqual(findTokens(texts, tokens, "og"), [6]);
  assert.deepEqual(findTokens(texts, tokens, "bird"), []);
  assert.deepEqual(findTokens(texts, tokens, "  "), []);
});

test("special characters of regular expressions are searched literally", () => {
  assert.deepEqual(findTokens(texts, tokens, "."), [7]);
  assert.deepEqual(findTokens(texts, tokens, "[a-z]+"), []);
});

test("the second sentence is searched with its own offsets", () => {
  const both = tokensAt([
    [null, null],
    [0, 3],
    [null, null],
    [0, 3, 1],
    [4, 7, 1],
    [null, null, 1],
  ]);
  assert.deepEqual(findTokens({ text: "one", text_pair: "two one" }, both, "one"), [1, 4]);
});

test("a number after # is a position", () => {
  assert.deepEqual(findTokens(texts, tokens, "#4"), [4]);
  assert.deepEqual(findTokens(texts, tokens, "#8"), []);
});

test("after the last match comes the first, in both directions", () => {
  assert.deepEqual(
    [nextMatch([2, 5], null, false), nextMatch([2, 5], 2, false), nextMatch([2, 5], 5, false)],
    [2, 5, 2],
  );
  assert.deepEqual([nextMatch([2, 5], null, true), nextMatch([2, 5], 5, true), nextMatch([2, 5], 2, true)], [5, 2, 5]);
  assert.equal(nextMatch([], 3, false), null);
});

test("a window without the token moves its middle there; without a window nothing moves", () => {
  const pattern = patternOf("abcdefgh".split(""), Array(8).fill(Array(8).fill(0.125)));
  const state = { ...initialState(), pattern };
  assert.deepEqual(goTo({ ...state, rows: [0, 3], columns: [6, 8] }, 4), {
    token: 4,
    rows: [3, 6],
    columns: [3, 5],
  });
  assert.deepEqual(goTo(state, 4), { token: 4, rows: null, columns: null });
});
