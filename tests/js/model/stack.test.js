import assert from "node:assert/strict";
import { test } from "node:test";
import { axesOf, foldedNames, isFoldable } from "../../../static/js/model/axes.js";
import { defaultHead } from "../../../static/js/model/default_head.js";
import { downsampled } from "../../../static/js/model/downsample.js";
import { cellSentence } from "../../../static/js/model/format.js";
import { geometryOf } from "../../../static/js/model/geometry.js";
import { headScore } from "../../../static/js/model/head_scores.js";
import { hasHead } from "../../../static/js/model/heads.js";
import { strongest } from "../../../static/js/model/matrix.js";
import { decodes, isCross, keyOf, stacksChosen, tokensOf } from "../../../static/js/model/stack.js";
import { seenAt, withWords } from "../../../static/js/model/stack_view.js";
import { tokenSentence, wantedLine } from "../../../static/js/model/token_weights.js";
import { entries, entryNames, tsv } from "../../../static/js/model/weight_table.js";
import { withoutInvalid } from "../../../static/js/model/zoom.js";
import { figure } from "../../../static/js/plot/figure.js";
import { initialState } from "../../../static/js/state/store.js";
import { tokenStyles } from "../../../static/js/views/tokens/strip.js";
import { answerOf, captureOf, matrixOf } from "../worlds.js";

const TEXT = ["the", "old", "cat", "[end]"];
const TARGET = ["[start]", "die", "Katze"];
const seen = (/** @type {string} */ stack) => seenAt(answerOf(stack, TEXT, TARGET));
const names = (/** @type {any[]} */ tokens) => tokens.map(({ text }) => text);

/** Cross-attention of three target tokens to four text tokens. @type {any} */
const CROSS = {
  capture: seen("cross"),
  layer: 1,
  head: 2,
  matrix: matrixOf([
    [0.25, 0.25, 0.25, 0.25],
    [0.75, 0, 0.25, 0],
    [0, 0.125, 0.625, 0.25],
  ]),
  detail: null,
};
const state = /** @type {any} */ ({ ...initialState(), pattern: CROSS });
const display = { rows: null, columns: null, scale: "linear", fold: false, flip: false };
const plain = (/** @type {string} */ text) => text.replaceAll(/[\u2066-\u2069]/g, "");

test("a capture is seen with the tokens and the layers of its stack alone", () => {
  const shown = ["encoder", "decoder", "cross"].map((stack) => {
    const { model, tokens, layers, ...capture } = seen(stack);
    const queries = tokensOf({ tokens, ...capture }, "query");
    return [
      names(queries),
      names(tokens),
      model.stacks.length,
      model.layers,
      layers,
      model.causal,
      isCross(seen(stack)),
    ];
  });
  assert.deepEqual(shown, [
    [TEXT, TEXT, 1, 1, 1, false, false],
    [TARGET, TARGET, 1, 2, 2, true, false],
    [TARGET, TEXT, 1, 2, 2, false, true],
  ]);
  assert.equal(hasHead(seen("cross").model, { layer: 1, head: 2 }), true);
  assert.equal(hasHead(seen("cross").model, { layer: 1, head: 3 }), false);
});

test("the card keeps all stacks, and seeing a capture twice changes nothing", () => {
  const capture = seen("cross");
  assert.equal(capture.card?.stacks?.length, 3);
  assert.equal(seenAt(capture), capture);
  const other = /** @type {any} */ (captureOf(["a"]));
  assert.equal(seenAt(other), other);
  assert.equal(isCross(other), false);
});

test("results belong to a capture and its stack", () => {
  assert.deepEqual(
    ["encoder", "cross"].map((stack) => keyOf(seen(stack))),
    ["abc encoder", "abc cross"],
  );
  assert.equal(keyOf(/** @type {any} */ (captureOf(["a"]))), "abc");
});

test("the controls of a decoder are shown for models that have one, and for a given target", () => {
  const { card } = seen("cross");
  const models = /** @type {any} */ ([captureOf(["a"]).model]);
  const chosen = { ...initialState(), model: "toy", models };
  assert.equal(decodes(chosen), false);
  assert.equal(decodes({ ...chosen, target: "die" }), true);
  assert.equal(decodes({ ...chosen, draft: { text: "", text_pair: "", target: "die" } }), true);
  assert.deepEqual(
    stacksChosen({ ...chosen, models: /** @type {any} */ ([card]) }).map(({ name }) => name),
    ["encoder", "decoder", "cross"],
  );
});

test("words of the target are the queries of cross-attention", () => {
  const word = (/** @type {string} */ text) => ({ text, start: 0, end: 1, special: false, segment: 0 });
  const answer = { words: [word("the"), word("old cat")], target_words: [word("die Katze")] };
  const capture = withWords(seen("cross"), answer);
  assert.deepEqual([names(tokensOf(capture, "query")), names(capture.tokens)], [["die Katze"], ["the", "old cat"]]);
  assert.deepEqual([capture.queries, capture.keys], [1, 2]);
  const single = withWords(
    /** @type {any} */ (captureOf(["a"])),
    /** @type {any} */ ({ words: [word("a"), word("b")] }),
  );
  assert.deepEqual([names(single.tokens), single.queries, isCross(single)], [["a", "b"], 2, false]);
});

test("queries are along one side of the heatmap and keys along the other, whichever way it is turned", () => {
  assert.deepEqual(axesOf(CROSS, display), { down: [0, 1, 2], across: [0, 1, 2, 3], flipped: false });
  assert.deepEqual(axesOf(CROSS, { fold: false, flip: true }), {
    down: [0, 1, 2, 3],
    across: [0, 1, 2],
    flipped: true,
  });
  const drawn = (/** @type {boolean} */ flip) => {
    const geometry = geometryOf(
      { pattern: { ...CROSS }, ...display, scale: "linear", flip },
      { width: 800, height: 600 },
    );
    assert.ok(geometry);
    const { layout, data } = figure(geometry, "linear", { ink: "", line: "", masked: "" });
    const { xaxis, yaxis } = layout;
    assert.match(flip ? yaxis.title.text : xaxis.title.text, /^key: .* \(text\)$/);
    assert.match(flip ? xaxis.title.text : yaxis.title.text, /^query: .* \(target\)$/);
    return [yaxis.ticktext.map(plain), xaxis.ticktext.map(plain), data[0].z.length, data[0].z[0].length];
  };
  assert.deepEqual(drawn(false), [TARGET, TEXT, 3, 4]);
  assert.deepEqual(drawn(true), [TEXT, TARGET, 4, 3]);
});

test("the space for labels is that of the text along each side", () => {
  const long = seenAt(
    answerOf(
      "cross",
      TEXT,
      TARGET.map((word) => `${word} and more`),
    ),
  );
  const area = (/** @type {boolean} */ flip) => {
    const pattern = { ...CROSS, capture: long };
    return geometryOf({ pattern, ...display, scale: "linear", flip }, { width: 500, height: 600 })?.area;
  };
  assert.ok((area(false)?.left ?? 0) > (area(true)?.left ?? 0));
  // The short labels of the text fit their cells.
  assert.equal(area(false)?.angle, 0);
});

test("cells without a pixel are pooled on each side by itself", () => {
  const shown = { pattern: CROSS, axes: axesOf(CROSS, display), frame: { down: [0, 3], across: [0, 4] } };
  const { matrix } = downsampled(/** @type {any} */ (shown), { width: 2, height: 3 }, { width: 2, height: 3 });
  assert.deepEqual([matrix.rows, matrix.columns, matrix.queryStep, matrix.keyStep], [3, 2, 1, 2]);
});

test("folding hides special tokens of each text on its own side", () => {
  assert.equal(isFoldable(CROSS), true);
  assert.deepEqual(axesOf(CROSS, { fold: true, flip: false }), { down: [1, 2], across: [0, 1, 2], flipped: false });
  assert.deepEqual(foldedNames(CROSS, { fold: true }), ["[end]"]);
});

test("sentences, tables and files name the query by the target and the key by the text", () => {
  assert.equal(plain(cellSentence(CROSS, { query: 1, key: 0 })), '"die"(1) attends to "the"(0): 0.750');
  assert.equal(plain(tokenSentence(CROSS, 1, "query")), '"die"(1) attends to "the"(0) 0.750, "cat"(2) 0.250');
  assert.equal(
    plain(tokenSentence(CROSS, 1, "key")),
    '"old"(1) is attended to by "[start]"(0) 0.250, "Katze"(2) 0.125',
  );
  const shown = { pattern: CROSS, axes: axesOf(CROSS, display), frame: { down: [0, 3], across: [0, 4] } };
  const rows = entries(/** @type {any} */ (shown), display);
  assert.equal(rows.length, 12);
  const { query, key } = entryNames(CROSS, CROSS.matrix, rows[6]);
  assert.deepEqual([plain(query), plain(key)], ['"die"(1)', '"cat"(2)']);
  assert.equal(tsv(CROSS, rows).split("\n")[7], "1\tdie\t2\tcat\t0.25");
});

test("a line is as long as the other text", () => {
  const pooled = { ...CROSS, matrix: matrixOf([[1, 1]], 2) };
  const wanted = (/** @type {any} */ side, /** @type {number} */ token) =>
    wantedLine({ ...state, pattern: pooled, side, token })?.window;
  assert.deepEqual(wanted("query", 2), { rows: [2, 3], columns: [0, 4] });
  assert.deepEqual(wanted("key", 3), { rows: [0, 3], columns: [3, 4] });
});

test("a link may pin a token of the longer text only as a key", () => {
  const link = { rows: null, columns: null, token: 3 };
  assert.deepEqual(withoutInvalid(CROSS.capture, { ...link, side: "key" }), {});
  const removed = withoutInvalid(CROSS.capture, { ...link, side: "query" });
  assert.equal(removed.token, null);
  assert.match(String(removed.notice), /token=3 \(the target has 3 tokens, the text has 4 tokens\)/);
});

test("the largest weight is looked for outside special tokens of both texts", () => {
  assert.deepEqual(strongest(CROSS.capture, CROSS.matrix), { query: 1, key: 0, value: 0.75 });
});

test("scores that compare positions within one text are not defined for cross-attention", () => {
  const score = (/** @type {any} */ name) => headScore(name, CROSS.capture, CROSS.matrix);
  assert.deepEqual(["previous", "next", "self"].map(score), [null, null, null]);
  assert.equal(score("first"), (0.25 + 0.75) / 3);
  assert.equal(score("delimiter"), 0.5 / 3);
});

test("the first head of cross-attention is the one with most structure, the diagonal included", () => {
  const flat = matrixOf(Array(3).fill([0.25, 0.25, 0.25, 0.25]));
  const diagonal = matrixOf([
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
  ]);
  const at = (/** @type {number} */ layer, /** @type {number} */ head) => (layer === 1 && head === 1 ? diagonal : flat);
  const overview = { capture: CROSS.capture, layers: 2, heads: 3, at };
  assert.deepEqual(defaultHead(/** @type {any} */ (overview)), { layer: 1, head: 1 });
});

test("a token is marked in its own line, and its weights in the other", () => {
  const pinned = { ...state, token: 1, side: "query", scale: "linear" };
  const styles = (/** @type {any} */ side, count = 3) =>
    Array.from({ length: count }, (_, at) => tokenStyles(pinned, side)(at));
  assert.deepEqual(
    styles("query").map(({ weight, classes, pinned: is }) => [weight, classes, is]),
    [
      ["0%", "", "false"],
      ["0%", "shown", "true"],
      ["0%", "", "false"],
    ],
  );
  assert.deepEqual(
    styles("key", 4).map(({ weight, classes, pinned: is }) => [weight, classes, is]),
    [
      ["75%", "", "false"],
      ["0%", "", "false"],
      ["25%", "", "false"],
      ["0%", "", "false"],
    ],
  );
});
