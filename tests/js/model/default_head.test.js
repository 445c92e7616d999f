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

test("the head to open with links distant tokens, and does not rest or look at its neighbour", () => {
  const [itself, next, rest, oneForAll, before] = [looking(0, 1), looking(1, 1), stripe(5), stripe(1), looking(5, 1)];
  assert.equal(opened(words, [itself, next, rest, oneForAll, looking(3, 0.6), before]), 4);
});

test("of two heads with the same links, the one that rests less on special tokens is opened", () => {
  const resting = looking(3, 0.6).map((row, query) => row.map((value, key) => (query > 2 && key === 0 ? 0.9 : value)));
  assert.equal(opened(words, [resting, looking(3, 0.6)]), 1);
});

test("links to several tokens tell more than as many to one", () => {
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

test("a causal model's first token is a rest too, and its row no link", () => {
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

test("where nothing tells, the first head is opened", () => {
  assert.equal(opened(["a"], [[[1]], [[1]]]), 0);
});
