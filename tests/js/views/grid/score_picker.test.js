import assert from "node:assert/strict";
import { test } from "node:test";
import { undefinedScores } from "../../../../static/js/views/grid/score_picker.js";
import { captureOf } from "../../worlds.js";

const namesFor = (/** @type {string[]} */ texts, /** @type {object} */ options) =>
  Object.keys(undefinedScores(/** @type {any} */ ({ overview: { capture: captureOf(texts, options) } })));

test("scores that the model cannot have are named", () => {
  assert.deepEqual(namesFor(["[CLS]", "a", "[SEP]"], {}), []);
  assert.deepEqual(namesFor(["a", "b"], { causal: true }), ["signed_distance", "next", "delimiter"]);
  assert.deepEqual(namesFor(["[BOS]", "b"], { causal: true }), ["signed_distance", "next"]);
  assert.deepEqual(undefinedScores({ overview: null }), {});
});
