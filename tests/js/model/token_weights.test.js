import assert from "node:assert/strict";
import { test } from "node:test";
import { shownToken, tokenSentence, tokenWeights, wantedLine } from "../../../static/js/model/token_weights.js";
import { bandOf, markedToken } from "../../../static/js/views/heatmap/row_mark.js";
import { nextToken } from "../../../static/js/views/tokens/long_text.js";
import { tokenStyles } from "../../../static/js/views/tokens/strip.js";
import { CAUSAL as causal, matrixOf, patternOf } from "../worlds.js";

const seen = (/** @type {string} */ text) => text.replace(/[\u2066-\u2069]/g, "");
const nothing = { query: null, key: null };

test("the weights of a query are its row, of a key its column; a masked cell has none", () => {
  assert.deepEqual([0, 1, 2].map(tokenWeights(causal, 1, "query")), [0.75, 0.25, null]);
  assert.deepEqual([0, 1, 2].map(tokenWeights(causal, 1, "key")), [null, 0.25, 0.25]);
});

test("in a pooled matrix, the weight is that of the cell that covers both tokens", () => {
  const pooled = patternOf(
    ["a", "b", "c"],
    [
      [0.5, 0.25],
      [0.125, 1],
    ],
    { step: 2 },
  );
  assert.deepEqual([0, 1, 2].map(tokenWeights(pooled, 1, "query")), [0.5, 0.5, 0.25]);
});

test("the sentence has the three largest weights, with positions", () => {
  assert.equal(seen(tokenSentence(causal, 2, "query")), '"c"(2) attends to "c"(2) 0.500, "a"(0) 0.250, "b"(1) 0.250');
  assert.equal(seen(tokenSentence(causal, 2, "key")), '"c"(2) is attended to by "c"(2) 0.500');
});

test("with effects, a query receives and a key gives", () => {
  const effects = { ...causal, longest: 8 };
  assert.equal(seen(tokenSentence(effects, 2, "query")), '"c"(2) receives from "c"(2) 4.00, "a"(0) 2.00, "b"(1) 2.00');
  assert.equal(seen(tokenSentence(effects, 2, "key")), '"c"(2) gives to "c"(2) 4.00');
});

test("a pinned token is shown instead of the one under the pointer", () => {
  const hovered = { query: 1, key: 2 };
  assert.equal(shownToken({ token: 0, side: "query", hovered }), 0);
  assert.equal(shownToken({ token: null, side: "query", hovered }), 1);
  assert.equal(shownToken({ token: null, side: "key", hovered }), 2);
  assert.equal(shownToken({ token: null, side: "key", hovered: nothing }), null);
});

test("the heatmap marks a pinned token and one under the pointer in the strip, but not those of a cell in the heatmap", () => {
  assert.equal(markedToken({ token: 0, side: "query", hovered: { query: 1, key: 2 } }), 0);
  assert.equal(markedToken({ token: null, side: "query", hovered: { query: 1, key: 2 } }), null);
  assert.equal(markedToken({ token: null, side: "query", hovered: { query: 1, key: null } }), 1);
});

test("the mark covers the row or column as far as it is shown; outside the frame there is none", () => {
  /** @type {{down: [number, number], across: [number, number]}} */
  const frame = { down: [2, 5], across: [1, 4] };
  assert.deepEqual(bandOf({ down: 3, across: -1 }, frame), { down: [3, 4], across: [1, 4] });
  assert.deepEqual(bandOf({ down: -1, across: 1 }, frame), { down: [2, 5], across: [1, 2] });
  assert.equal(bandOf({ down: 1, across: -1 }, frame), null);
  assert.equal(bandOf({ down: -1, across: -1 }, frame), null);
});

test("arrow keys move along the tokens and stop at the ends", () => {
  assert.deepEqual(
    [nextToken("ArrowRight", 1, 3), nextToken("ArrowRight", 2, 3), nextToken("ArrowLeft", 0, 3)],
    [2, 2, 0],
  );
  assert.deepEqual([nextToken("Home", 2, 3), nextToken("End", 0, 3), nextToken("x", 0, 3)], [0, 2, null]);
});

test("the pinned token highlights the others; masked tokens and the partner of the cell in the heatmap have classes", () => {
  const state = { pattern: causal, side: "query", hovered: { query: 2, key: 0 }, token: 1, scale: "linear" };
  assert.deepEqual([0, 1, 2].map(tokenStyles(/** @type {any} */ (state))), [
    { weight: "75%", classes: "partner", pinned: "false" },
    { weight: "25%", classes: "shown", pinned: "true" },
    { weight: "0%", classes: "masked", pinned: "false" },
  ]);
});

test("in a long text, the line of the shown token is fetched, and then used", () => {
  const pooled = patternOf(
    ["a", "b", "c", "d"],
    [
      [0.5, 0],
      [0.5, 0.5],
    ],
  );
  pooled.matrix = matrixOf(
    [
      [0.5, 0],
      [0.5, 0.5],
    ],
    2,
  );
  const state = { pattern: pooled, side: "query", hovered: nothing, token: 2, line: null };
  const wanted = { token: 2, side: "query", window: { rows: [2, 3], columns: [0, 4] } };
  assert.deepEqual(wantedLine(/** @type {any} */ (state)), wanted);
  assert.deepEqual(wantedLine(/** @type {any} */ ({ ...state, side: "key" }))?.window, {
    rows: [0, 4],
    columns: [2, 3],
  });
  const line = {
    of: pooled.matrix,
    token: 2,
    side: "query",
    matrix: matrixOf([[0, 0.25, 0.5, 0.25]], 1, { query: 2 }),
  };
  assert.equal(wantedLine(/** @type {any} */ ({ ...state, line })), null);
  const given = (/** @type {any} */ own) => [0, 1, 2, 3].map(tokenWeights(pooled, 2, "query", own));
  assert.deepEqual(given(line), [0, 0.25, 0.5, 0.25]);
  // The line of another head is not used.
  assert.deepEqual(given({ ...line, of: causal.matrix }), [0.5, 0.5, 0.5, 0.5]);
  assert.equal(wantedLine(/** @type {any} */ ({ ...state, pattern: causal, token: 1 })), null);
});
