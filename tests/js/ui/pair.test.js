import assert from "node:assert/strict";
import { test } from "node:test";
import { unpaired } from "../../../static/js/ui/pair.js";
import { captureOf } from "../worlds.js";

const asked = (/** @type {boolean | null} */ pairs) => ({
  model: "toy",
  models: [/** @type {any} */ ({ ...captureOf(["a"]).model, pairs })],
});

test("a model that reads two sentences needs no excuse, one that does not names itself and the way out", () => {
  assert.equal(unpaired(asked(true)), "");
  assert.match(unpaired(asked(false)), /^toy was not trained on two sentences: choose/);
});

test("nothing is said of a model that nothing is known of", () => {
  assert.equal(unpaired({ model: "toy", models: [] }), "");
  assert.equal(unpaired(asked(null)), "");
});
