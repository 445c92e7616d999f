import assert from "node:assert/strict";
import { test } from "node:test";
import { shownTokens } from "../../static/js/model/axes.js";
import { CANCELLED } from "../../static/js/state/status.js";
import { initialState } from "../../static/js/state/store.js";
import { modelGroups, modelLabel } from "../../static/js/ui/model_select.js";
import { isOutdated, staleNote } from "../../static/js/ui/status_line.js";
import { emptyText } from "../../static/js/views/heatmap/heatmap.js";
import { disabledZooms } from "../../static/js/views/heatmap/toolbar.js";
import { missingText, strongestText } from "../../static/js/views/inspect/facts.js";
import { captureOf, matrixOf, patternOf } from "./worlds.js";

test("the label of a model has its size and state, if they are known", () => {
  const { model } = captureOf(["a"]);
  assert.equal(modelLabel(model), "toy\u20022 × 3\u2002ready");
  assert.equal(modelLabel({ ...model, layers: null, heads: null, state: "available" }), "toy\u2002not loaded");
});

test("the label of a model that failed to load has the reason, clipped", () => {
  const card = { ...captureOf(["a"]).model, layers: null, heads: null };
  const failed = modelLabel({ ...card, state: "failed", why: "config.json is missing" });
  assert.equal(failed, "toy\u2002failed: config.json is missing");
  assert.ok(modelLabel({ ...card, state: "failed", why: "x".repeat(500) }).length < 80);
  assert.equal(
    modelLabel({ ...card, state: "ready", changed_on_disk: true })
      .split("\u2002")
      .at(-1),
    "changed on disk",
  );
});

test("models are grouped by where they come from, and the hub, which has more, is always a group", () => {
  const card = captureOf(["a"]).model;
  const models = [
    { ...card, id: "one", source: /** @type {const} */ ("bundled") },
    { ...card, id: "team/two", source: /** @type {const} */ ("hub") },
    { ...card, id: "three", source: /** @type {const} */ ("bundled") },
  ];
  const ids = modelGroups(models).map(({ source, cards }) => [source, ...cards.map(({ id }) => id)]);
  assert.deepEqual(ids, [
    ["bundled", "one", "three"],
    ["hub", "team/two"],
  ]);
  assert.deepEqual(
    modelGroups([]).map(({ label }) => label),
    ["Hugging Face hub"],
  );
});

test("pictures are outdated during a run, and until grid and heatmap belong to the same capture", () => {
  const pattern = patternOf(["a"], [[1]]);
  const overview = { capture: captureOf(["a"]) };
  const done = { ...initialState(), status: { kind: "done", message: "" }, overview, pattern };
  assert.equal(isOutdated(/** @type {any} */ (done)), false);
  assert.equal(isOutdated(/** @type {any} */ ({ ...done, status: { kind: "busy", message: "" } })), true);
  const newer = { capture: { ...overview.capture, id: "def" } };
  assert.equal(isOutdated(/** @type {any} */ ({ ...done, overview: newer })), true);
  assert.equal(isOutdated(/** @type {any} */ ({ ...done, overview: newer, pattern: null })), false);
});

test("the page says that its pictures show another text than the box, unless a run will replace them", () => {
  const draft = { text: "new", text_pair: "" };
  const pictured = { model: "toy", text: "a", text_pair: "", target: "", truncate: false };
  const state = /** @type {any} */ ({ ...initialState(), ...pictured, pictured, pattern: patternOf(["a"], [[1]]) });
  assert.equal(staleNote(state), "");
  assert.match(staleNote({ ...state, draft }), /previous text/);
  assert.match(staleNote({ ...state, text: "its run failed" }), /previous text/);
  assert.match(staleNote({ ...state, target: "its run failed" }), /previous text/);
  assert.match(staleNote({ ...state, model: "missing" }), /previous model/);
  assert.equal(staleNote({ ...state, draft, pattern: null }), "");
  assert.equal(staleNote({ ...state, draft, status: { kind: "busy", message: "" } }), "");
});

test("scores are shown beside exact weights of tokens, and otherwise the page says why not", () => {
  const exact = patternOf(["a", "b"], Array(2).fill([0.5, 0.5]));
  assert.equal(missingText(exact), "");
  assert.match(missingText({ ...exact, longest: 8 }), /shows effects/);
  assert.match(missingText({ ...exact, words: true }), /shows words/);
  assert.match(missingText({ ...exact, matrix: matrixOf([[1]], 2) }), /is pooled/);
});

test("the largest weight has the positions of its tokens, and leaves out the sink", () => {
  const rows = [
    [1, 0, 0],
    [0.5, 0.5, 0],
    [0.5, 0.25, 0.25],
  ];
  const seen = (/** @type {string} */ text) => text.replace(/[\u2066-\u2069]/g, "");
  const causal = patternOf(["a", "b", "b"], rows, { causal: true });
  assert.equal(
    seen(strongestText(causal)),
    'Apart from the first token, the largest weight is 0.500: "b"(1) attends to itself.',
  );
  const other = patternOf(["a", "b", "c"], [rows[0], rows[1], [0.25, 0.5, 0.25]], { causal: true });
  assert.match(seen(strongestText(other)), /largest weight is 0.500: "b"\(1\) attends to itself/);
  const former = patternOf(["a", "b", "c"], [rows[0], [0.75, 0.25, 0], [0.25, 0.5, 0.25]], { causal: true });
  assert.match(seen(strongestText(former)), /largest weight is 0.500: "c"\(2\) attends to "b"\(1\)[.]$/);
  const none = patternOf(["[CLS]", "b", "c"], Array(3).fill([1, 0, 0]));
  assert.equal(strongestText(none), "Apart from special tokens, no weight reaches 0.001.");
  assert.equal(strongestText(patternOf(["[CLS]", "b"], Array(2).fill([1, 0]))), "");
});

test("where there is no heatmap, a text says why", () => {
  const state = initialState();
  assert.match(emptyText(state), /^The text box is empty/);
  assert.match(emptyText({ ...state, text: "x", status: { kind: "error", message: "" } }), /message above/);
  assert.equal(emptyText({ ...state, status: { kind: "busy", message: "" } }), "");
  assert.match(emptyText({ ...state, text: "x", status: CANCELLED }), /cancelled/);
  assert.match(emptyText({ ...state, text: "x", apiKey: "required" }), /^Enter the API key above/);
});

test("a zoom button that would change nothing is disabled", () => {
  const four = { ...initialState(), pattern: patternOf(["a", "b", "c", "d"], Array(4).fill([0.25, 0.25, 0.25, 0.25])) };
  const disabled = (/** @type {object} */ changes) => {
    const state = { ...four, ...changes };
    return disabledZooms(shownTokens(state.pattern, state));
  };
  assert.deepEqual(disabled({}), ["out", "all"]);
  assert.deepEqual(disabled({ rows: [1, 3], columns: [0, 2] }), ["in"]);
  assert.deepEqual(disabled({ rows: [1, 3] }), []);
  // A window that does not fit the text shows all of it.
  assert.deepEqual(disabled({ rows: [0, 4000] }), ["out", "all"]);
  assert.deepEqual(disabled({ pattern: patternOf(["a"], [[1]]) }), ["out", "all", "in"]);
  assert.deepEqual(disabledZooms(null), []);
});
