import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { found, nextOf, reaching } from "../../../../static/js/views/tokens/find.js";
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

test("words are found whatever their case, at the token where they begin", () => {
  assert.deepEqual(found(texts, tokens, "the"), [2, 5]);
  assert.deepEqual(found(texts, tokens, "CAT, the"), [3]);
  // Within a token counts.
  assert.deepEqual(found(texts, tokens, "og"), [6]);
  assert.deepEqual(found(texts, tokens, "bird"), []);
  assert.deepEqual(found(texts, tokens, "  "), []);
});

test("signs that mean something in a pattern mean themselves", () => {
  assert.deepEqual(found(texts, tokens, "."), [7]);
  assert.deepEqual(found(texts, tokens, "[a-z]+"), []);
});

test("the second sentence is searched by its own characters", () => {
  const both = tokensAt([
    [null, null],
    [0, 3],
    [null, null],
    [0, 3, 1],
    [4, 7, 1],
    [null, null, 1],
  ]);
  assert.deepEqual(found({ text: "one", text_pair: "two one" }, both, "one"), [1, 4]);
});

test("a number behind # is a position", () => {
  assert.deepEqual(found(texts, tokens, "#4"), [4]);
  assert.deepEqual(found(texts, tokens, "#8"), []);
});

test("going on goes round the text, both ways", () => {
  assert.deepEqual([nextOf([2, 5], null, false), nextOf([2, 5], 2, false), nextOf([2, 5], 5, false)], [2, 5, 2]);
  assert.deepEqual([nextOf([2, 5], null, true), nextOf([2, 5], 5, true), nextOf([2, 5], 2, true)], [5, 2, 5]);
  assert.equal(nextOf([], 3, false), null);
});

test("a window that does not show the token moves its middle there, and the whole text stays whole", () => {
  const pattern = patternOf("abcdefgh".split(""), Array(8).fill(Array(8).fill(0.125)));
  const state = { ...initialState(), pattern };
  assert.deepEqual(reaching({ ...state, rows: [0, 3], columns: [6, 8] }, 4), {
    token: 4,
    rows: [3, 6],
    columns: [3, 5],
  });
  assert.deepEqual(reaching(state, 4), { token: 4, rows: null, columns: null });
});
