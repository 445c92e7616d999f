import assert from "node:assert/strict";
import { test } from "node:test";
import { noPairsReason } from "../../../static/js/ui/second_sentence.js";
import { captureOf } from "../worlds.js";

const stateOf = (/** @type {boolean | null} */ pairs) => ({
  model: "toy",
  models: [/** @type {any} */ ({ ...captureOf(["a"]).model, pairs })],
});

test("a model without sentence pairs is named, with what to choose instead", () => {
  assert.equal(noPairsReason(stateOf(true)), "");
  assert.match(noPairsReason(stateOf(false)), /^toy was not trained on two sentences: choose/);
});

test("there is no reason for a model whose card is not known", () => {
  assert.equal(noPairsReason({ model: "toy", models: [] }), "");
  assert.equal(noPairsReason(stateOf(null)), "");
});
