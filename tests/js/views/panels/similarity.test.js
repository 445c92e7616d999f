import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { alikeOf, figure, nearest } from "../../../../static/js/views/panels/similarity.js";
import { captureOf } from "../../worlds.js";

/** Two layers of two heads; head 1.1 does as 0.0 does. @type {any} */
const alike = {
  heads: 2,
  places: [
    [0, 1],
    [2, 3],
    [4, 5],
    [0, 1],
  ],
  jensen_shannon: [
    [0, 0.5, 0.25, 0],
    [0.5, 0, 0.75, 0.5],
    [0.25, 0.75, 0, 0.25],
    [0, 0.5, 0.25, 0],
  ],
  cosine: [
    [1, 0.5, 0.75, 1],
    [0.5, 1, 0.25, 0.5],
    [0.75, 0.25, 1, 0.75],
    [1, 0.5, 0.75, 1],
  ],
};
const nobody = { layer: null, head: null };

test("each head is a point at its place, by its name", () => {
  const { x, y, text } = figure(alike, nobody).data[0];
  assert.deepEqual(x, [0, 2, 4, 0]);
  assert.deepEqual(y, [1, 3, 5, 1]);
  assert.deepEqual(text, ["layer 0, head 0", "layer 0, head 1", "layer 1, head 0", "layer 1, head 1"]);
});

test("heads of a layer have one colour, and another layer another", () => {
  const { color } = figure(alike, nobody).data[0].marker;
  assert.deepEqual(color, ["rgb(68, 1, 84)", "rgb(68, 1, 84)", "rgb(253, 231, 37)", "rgb(253, 231, 37)"]);
});

test("one layer has a colour, too", () => {
  const { color } = figure({ ...alike, places: alike.places.slice(0, 2) }, nobody).data[0].marker;
  assert.deepEqual(new Set(color), new Set(["rgb(68, 1, 84)"]));
});

test("the chosen head is larger than the others", () => {
  const { size } = figure(alike, { layer: 1, head: 0 }).data[0].marker;
  assert.deepEqual(size, [9, 9, 15, 9]);
});

test("a distance is as long across as down", () => {
  assert.equal(figure(alike, nobody).layout.yaxis.scaleanchor, "x");
});

test("the heads most like a head come first, itself left out", () => {
  assert.deepEqual(nearest(alike, 0, 0), [
    { layer: 1, head: 1, bits: 0, cosine: 1 },
    { layer: 1, head: 0, bits: 0.25, cosine: 0.75 },
    { layer: 0, head: 1, bits: 0.5, cosine: 0.5 },
  ]);
});

test("of many, the five nearest are named", () => {
  const line = Array.from({ length: 8 }, (_, at) => at / 8);
  const many = { ...alike, heads: 8, jensen_shannon: [line], cosine: [line] };
  assert.deepEqual(
    nearest(many, 0, 0).map(({ head }) => head),
    [1, 2, 3, 4, 5],
  );
});

test("a head that is not there is like none", () => {
  assert.deepEqual(nearest(alike, 7, 0), []);
});

test("what was compared in another text is not shown", () => {
  const state = /** @type {any} */ ({ ...initialState(), overview: { capture: captureOf(["a"]) } });
  assert.equal(alikeOf({ ...state, alike: { id: "abc", of: alike } }), alike);
  assert.equal(alikeOf({ ...state, alike: { id: "older", of: alike } }), null);
  assert.equal(alikeOf(state), null);
});
