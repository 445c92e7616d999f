import assert from "node:assert/strict";
import { test } from "node:test";
import { headScore } from "../../../static/js/model/head_scores.js";
import { captureOf, matrixOf } from "../worlds.js";

const encoder = captureOf(["[CLS]", "a", "b", "[SEP]"]);
const weights = matrixOf([
  [1, 0, 0, 0],
  [0.25, 0.25, 0.25, 0.25],
  [0, 0.5, 0.5, 0],
  [0.5, 0, 0.5, 0],
]);
const decoder = captureOf(["a", "b", "c"], { causal: true });
const causal = matrixOf([
  [1, 0, 0],
  [0.5, 0.5, 0],
  [0.5, 0.25, 0.25],
]);

test("neighbours are counted where there is one", () => {
  // Queries 1, 2, 3; queries 0, 1, 2; all queries.
  assert.equal(headScore("previous", encoder, weights), (0.25 + 0.5 + 0.5) / 3);
  assert.equal(headScore("next", encoder, weights), (0 + 0.25 + 0) / 3);
  assert.equal(headScore("self", encoder, weights), (1 + 0.25 + 0.5 + 0) / 4);
});

test("a causal query does not see its next token", () => {
  assert.equal(headScore("previous", decoder, causal), (0.5 + 0.25) / 2);
  assert.equal(headScore("next", decoder, causal), null);
});

test("the first query of a causal model is not counted for the first token", () => {
  assert.equal(headScore("first", encoder, weights), (1 + 0.25 + 0 + 0.5) / 4);
  assert.equal(headScore("first", decoder, causal), (0.5 + 0.5) / 2);
});

test("delimiters are all special tokens, for all queries that see one", () => {
  assert.equal(headScore("delimiter", encoder, weights), (1 + 0.5 + 0 + 0.5) / 4);
  assert.equal(headScore("delimiter", decoder, causal), null);
  // In a causal model, queries before the first special token see none.
  const late = captureOf(["a", "[SEP]", "c"], { causal: true });
  assert.equal(headScore("delimiter", late, causal), (0.5 + 0.25) / 2);
});

test("the entropy is a mean over all queries, in bits", () => {
  assert.equal(headScore("entropy", encoder, weights), (0 + 2 + 1 + 1) / 4);
});

test("the sink is special tokens and the first token of a causal model, for queries that see another token", () => {
  assert.equal(headScore("sink", encoder, weights), (1 + 0.5 + 0 + 0.5) / 4);
  assert.equal(headScore("sink", decoder, causal), (0.5 + 0.5) / 2);
  assert.equal(headScore("sink", captureOf(["a"], { causal: true }), matrixOf([[1]])), null);
});

test("one token attends to itself only", () => {
  const one = captureOf(["a"], { causal: true });
  assert.equal(headScore("self", one, matrixOf([[1]])), 1);
  assert.equal(headScore("entropy", one, matrixOf([[1]])), 0);
  assert.deepEqual(
    ["previous", "next", "first", "delimiter"].map((name) => headScore(name, one, matrixOf([[1]]))),
    [null, null, null, null],
  );
});
