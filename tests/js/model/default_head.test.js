import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultHead } from "../../../static/js/model/default_head.js";
import { captureOf, matrixOf } from "../worlds.js";

/** @param {string[]} texts @param {number[][][]} maps of one layer @param {object} [options] */
function opened(texts, maps, options) {
  const at = (/** @type {number} */ _, /** @type {number} */ head) => matrixOf(maps[head]);
  return defaultHead({ capture: captureOf(texts, options), layers: 1, heads: maps.length, at }).head;
}

const words = ["[CLS]", "a", "b", "c", "d", "[SEP]"];
const positions = [...words.keys()];

/** Each query gives `weight` to the key so many places after it. @param {number} shift @param {number} weight */
const looking = (shift, weight) =>
  positions.map((row) => positions.map((key) => (key === (row + shift) % 6 ? weight : 0)));

/** Every query gives everything to one key. @param {number} at */
const stripe = (at) => positions.map(() => positions.map((key) => Number(key === at)));

test("the default head attends to distant tokens, not to the sink or to neighbours", () => {
  const [itself, next, rest, oneForAll, before] = [looking(0, 1), looking(1, 1), stripe(5), stripe(1), looking(5, 1)];
  assert.equal(opened(words, [itself, next, rest, oneForAll, looking(3, 0.6), before]), 4);
});

test("of two heads with the same strong weights, the one with less attention on special tokens is chosen", () => {
  const resting = looking(3, 0.6).map((row, query) => row.map((value, key) => (query > 2 && key === 0 ? 0.9 : value)));
  assert.equal(opened(words, [resting, looking(3, 0.6)]), 1);
});

test("strong weights on several keys count more than on one key", () => {
  const link = (/** @type {[number, number][]} */ pairs) =>
    positions.map((row) => positions.map((key) => (pairs.some(([i, j]) => i === row && j === key) ? 0.9 : 0)));
  const [one, several] = [
    link([
      [3, 1],
      [4, 1],
    ]),
    link([
      [3, 1],
      [4, 2],
    ]),
  ];
  assert.equal(opened(words, [one, several]), 1);
});

test("in a causal model, the first token is part of the sink", () => {
  const first = [
    [1, 0, 0, 0],
    [1, 0, 0, 0],
    [1, 0, 0, 0],
    [1, 0, 0, 0],
  ];
  const back = [
    [1, 0, 0, 0],
    [1, 0, 0, 0],
    [1, 0, 0, 0],
    [0.2, 0.8, 0, 0],
  ];
  assert.equal(opened(["a", "b", "c", "d"], [first, back], { causal: true }), 1);
});

test("where no head has structure, the first is chosen", () => {
  assert.equal(opened(["a"], [[[1]], [[1]]]), 0);
});
