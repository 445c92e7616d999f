import assert from "node:assert/strict";
import { test } from "node:test";
import { undefinedReason, undefinedScores } from "../../../../static/js/views/grid/score_picker.js";
import { captureOf } from "../../worlds.js";

const namesFor = (/** @type {string[]} */ texts, /** @type {object} */ options) =>
  Object.keys(undefinedScores(/** @type {any} */ ({ overview: { capture: captureOf(texts, options) } })));

test("scores that the model cannot have are named", () => {
  assert.deepEqual(namesFor(["[CLS]", "a", "[SEP]"], {}), []);
  assert.deepEqual(namesFor(["a", "b"], { causal: true }), ["signed_distance", "next", "delimiter"]);
  assert.deepEqual(namesFor(["[BOS]", "b"], { causal: true }), ["signed_distance", "next"]);
  assert.deepEqual(undefinedScores({ overview: null }), {});
});

test("a score that no head has on a text has its own reason", () => {
  assert.equal(undefinedReason("duplicate", false), "Not defined for this text: no token occurs twice.");
  assert.equal(undefinedReason("delimiter", true), "Not defined for this text: it has no special tokens.");
  assert.equal(undefinedReason("next", true), "Not defined for causal models.");
  assert.equal(undefinedReason("entropy", false), "Not defined for this text.");
});
