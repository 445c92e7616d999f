import assert from "node:assert/strict";
import { test } from "node:test";
import {
  commonGroup,
  fullName,
  hasHead,
  headCounts,
  lacksEffects,
  layersOf,
  sharedBy,
  whyNone,
} from "../../../static/js/model/heads.js";
import { insteadOf, whyBetween } from "../../../static/js/model/missing_layers.js";
import { captureOf, modelOf } from "../worlds.js";

const unknown = captureOf(["a"]).model;
const hybrid = modelOf([
  [0, 0],
  [6, 2],
  [0, 0],
  [0, 0],
  [4, 2],
]);

test("until a model is loaded, every layer is taken to have all heads", () => {
  assert.deepEqual(headCounts(unknown, unknown), [3, 3]);
  assert.deepEqual(headCounts(undefined, { layers: 1, heads: 2 }), [2]);
  assert.equal(hasHead(undefined, { layer: 9, head: 9 }), true);
  assert.equal(whyNone(unknown, 0), "");
});

test("layers may have fewer heads than others, or none", () => {
  assert.deepEqual(headCounts(hybrid, { layers: 5, heads: 6 }), [0, 6, 0, 0, 4]);
  const has = [0, 1, 4].map((layer) => hasHead(hybrid, { layer, head: 5 }));
  assert.deepEqual(has, [false, true, false]);
});

test("a layer without attention says what it has instead", () => {
  assert.equal(whyNone(hybrid, 2), "layer 2 has no softmax attention: MambaMixer");
  assert.equal(whyNone(hybrid, 1), "");
  assert.equal(insteadOf(layersOf(hybrid)), "MambaMixer");
});

test("layers that a key skips are named together, in either direction", () => {
  assert.equal(whyBetween(hybrid, 1, 4), "layers 2–3 have no softmax attention: MambaMixer");
  assert.equal(whyBetween(hybrid, 4, 1), whyBetween(hybrid, 1, 4));
  assert.equal(whyBetween(hybrid, 0, 1), "");
});

test("heads that share a key/value head are named with it", () => {
  assert.equal(sharedBy(hybrid, { layer: 1, head: 4 }), "key/value head 1, shared by heads 3–5");
  assert.equal(fullName(hybrid, { layer: 4, head: 1 }), "layer 4, head 1, key/value head 0, shared by heads 0–1");
  assert.equal(fullName(modelOf([[4, 4]]), { layer: 0, head: 1 }), "layer 0, head 1");
});

test("the size of the groups is that of all layers with attention, and unknown if they differ", () => {
  assert.equal(
    commonGroup(
      modelOf([
        [6, 2],
        [0, 0],
        [9, 3],
      ]),
    ),
    3,
  );
  assert.equal(commonGroup(hybrid), 0);
  assert.equal(commonGroup(unknown), 1);
});

test("effects are missing only where the server says that they are", () => {
  const found = [true, false, null].map((projections) => lacksEffects({ projections }));
  assert.deepEqual([...found, lacksEffects(undefined)], [false, true, false, false]);
});
