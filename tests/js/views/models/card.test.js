import assert from "node:assert/strict";
import { test } from "node:test";
import { factsOf, rangesText } from "../../../../static/js/views/models/card.js";
import { modelOf } from "../../worlds.js";

/** @param {object} facts */
const about = (facts) => Object.fromEntries(factsOf({ .../** @type {any} */ (modelOf([[9, 3]])), ...facts }));

test("the card says how far the maps are from those of eager attention", () => {
  const certificate = { max_abs_error: [1e-7, 2.1e-6], reference: "eager attention" };
  assert.equal(
    about({ certificate }).certificate,
    "compared with eager attention when it was loaded: largest difference 2e-6",
  );
  assert.equal(about({ certificate: null, source: "local" }).certificate, undefined);
  assert.equal(
    about({ certificate: null, source: "bundled" }).certificate,
    "compared with eager attention by the tests of Headscope",
  );
});

test("the card names the weights that are not used, and what the model predicts", () => {
  const facts = about({ ignored: ["a", "b"], prediction: "next_token" });
  assert.deepEqual([facts["weights not used"], facts.predicts], ["a, b", "the next token"]);
  assert.equal("weights not used" in about({ ignored: [], prediction: "none" }), false);
  assert.equal("predicts" in about({ prediction: "none" }), false);
});

test("the card names the labels of a classifier, as far as there is room", () => {
  const predicts = (/** @type {string[]} */ labels) => about({ prediction: "label", labels }).predicts;
  assert.equal(predicts(["bad", "good"]), "a label of the text: bad, good");
  assert.equal(predicts([]), "a label of the text");
  const many = predicts(Array(20).fill("x".repeat(40)));
  assert.ok(many?.endsWith(" …"));
  assert.equal(many?.length, "a label of the text: ".length + 160 + 2);
});

test("the card names shared key/value heads, and layers without attention", () => {
  assert.equal(about({ layers: 30, heads: 9, kv_heads: 3 }).size, "30 layers of 9 heads on 3 key/value heads");
  assert.equal(about({ layers: 1, heads: 4, kv_heads: 4 }).size, "1 layer of 4 heads");
  const hybrid = Object.fromEntries(
    factsOf(
      /** @type {any} */ (
        modelOf([
          [0, 0],
          [0, 0],
          [4, 2],
          [0, 0],
        ])
      ),
    ),
  );
  assert.equal(hybrid["no softmax attention"], "0–1, 3: MambaMixer");
});

test("neighbours become ranges", () => {
  assert.equal(rangesText([0, 1, 2, 4, 6, 7]), "0–2, 4, 6–7");
  assert.equal(rangesText([]), "");
});
