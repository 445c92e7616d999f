import assert from "node:assert/strict";
import { test } from "node:test";
import { gaze, gazeWords, shownToken, wantedLine } from "../../../static/js/model/token_row.js";
import { bandOf, markedToken } from "../../../static/js/views/heatmap/marks.js";
import { lookOf, next } from "../../../static/js/views/tokens/strip.js";
import { CAUSAL as causal, matrixOf, patternOf } from "../worlds.js";

const seen = (/** @type {string} */ text) => text.replace(/[\u2066-\u2069]/g, "");
const nothing = { query: null, key: null };

test("a query gives its row, a key gets its column, and what may not be looked at is no number", () => {
  assert.deepEqual([0, 1, 2].map(gaze(causal, 1, "query")), [0.75, 0.25, null]);
  assert.deepEqual([0, 1, 2].map(gaze(causal, 1, "key")), [null, 0.25, 0.25]);
});

test("of a pooled matrix, the cell that covers both tokens counts", () => {
  const pooled = patternOf(
    ["a", "b", "c"],
    [
      [0.5, 0.25],
      [0.125, 1],
    ],
    { step: 2 },
  );
  assert.deepEqual([0, 1, 2].map(gaze(pooled, 1, "query")), [0.5, 0.5, 0.25]);
});

test("the strongest are said first, and no more than three", () => {
  assert.equal(seen(gazeWords(causal, 2, "query")), '"c" looks at "c" 0.500, "a" 0.250, "b" 0.250');
  assert.equal(seen(gazeWords(causal, 2, "key")), '"c" is looked at by "c" 0.500');
});

test("of effects, tokens receive and give", () => {
  const effects = { ...causal, longest: 8 };
  assert.equal(seen(gazeWords(effects, 2, "query")), '"c" receives "c" 4.00, "a" 2.00, "b" 2.00');
  assert.equal(seen(gazeWords(effects, 2, "key")), '"c" gives to "c" 4.00');
});

test("the token that is held stands before the one that is pointed at", () => {
  const hovered = { query: 1, key: 2 };
  assert.equal(shownToken({ token: 0, side: "query", hovered }), 0);
  assert.equal(shownToken({ token: null, side: "query", hovered }), 1);
  assert.equal(shownToken({ token: null, side: "key", hovered }), 2);
  assert.equal(shownToken({ token: null, side: "key", hovered: nothing }), null);
});

test("the picture marks a held token and one pointed at in the text, but no cell of its own", () => {
  assert.equal(markedToken({ token: 0, side: "query", hovered: { query: 1, key: 2 } }), 0);
  assert.equal(markedToken({ token: null, side: "query", hovered: { query: 1, key: 2 } }), null);
  assert.equal(markedToken({ token: null, side: "query", hovered: { query: 1, key: null } }), 1);
});

test("a mark goes through the whole of what is shown, and is gone with its token", () => {
  /** @type {{down: [number, number], across: [number, number]}} */
  const frame = { down: [2, 5], across: [1, 4] };
  assert.deepEqual(bandOf({ down: 3, across: -1 }, frame), {
    from: { down: 3, across: 1 },
    to: { down: 3, across: 3 },
  });
  assert.deepEqual(bandOf({ down: -1, across: 1 }, frame), {
    from: { down: 2, across: 1 },
    to: { down: 4, across: 1 },
  });
  assert.equal(bandOf({ down: 1, across: -1 }, frame), null);
  assert.equal(bandOf({ down: -1, across: -1 }, frame), null);
});

test("arrows walk the tokens and stop at the ends", () => {
  assert.deepEqual([next("ArrowRight", 1, 3), next("ArrowRight", 2, 3), next("ArrowLeft", 0, 3)], [2, 2, 0]);
  assert.deepEqual([next("Home", 2, 3), next("End", 0, 3), next("x", 0, 3)], [0, 2, null]);
});

test("the held token shades the others; what it may not look at is masked, what the picture points at is marked", () => {
  const state = { pattern: causal, side: "query", hovered: { query: 2, key: 0 }, token: 1, scale: "linear" };
  assert.deepEqual([0, 1, 2].map(lookOf(/** @type {any} */ (state))), [
    { weight: "75%", classes: "other", held: "false" },
    { weight: "25%", classes: "shown", held: "true" },
    { weight: "0%", classes: "masked", held: "false" },
  ]);
});

test("of a long text, the line of the token that is shown is fetched, and then read", () => {
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
  const given = (/** @type {any} */ own) => [0, 1, 2, 3].map(gaze(pooled, 2, "query", own));
  assert.deepEqual(given(line), [0, 0.25, 0.5, 0.25]);
  // Of another head it says nothing.
  assert.deepEqual(given({ ...line, of: causal.matrix }), [0.5, 0.5, 0.5, 0.5]);
  assert.equal(wantedLine(/** @type {any} */ ({ ...state, pattern: causal, token: 1 })), null);
});
