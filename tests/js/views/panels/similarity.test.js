import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../../static/js/state/store.js";
import { figure, nearest, resultOf } from "../../../../static/js/views/panels/similarity.js";
import { captureOf } from "../../worlds.js";

/** Two layers of two heads; head 1.1 attends like head 0.0. @type {any} */
const result = {
  of: [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ],
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
const none = { layer: null, head: null };

test("each head is a point with its name", () => {
  const { x, y, text } = figure(result, none).data[0];
  assert.deepEqual(x, [0, 2, 4, 0]);
  assert.deepEqual(y, [1, 3, 5, 1]);
  assert.deepEqual(text, ["layer 0, head 0", "layer 0, head 1", "layer 1, head 0", "layer 1, head 1"]);
});

test("heads of the same layer have the same colour", () => {
  const { color, cmin, cmax, colorbar } = figure(result, none).data[0].marker;
  assert.deepEqual([color, cmin, cmax], [[0, 0, 1, 1], -0.5, 1.5]);
  assert.deepEqual([colorbar.title.text, colorbar.tick0, colorbar.dtick], ["layer", 0, 1]);
});

test("the legend has one colour for each layer, and is below the points on a phone", () => {
  const [dark, bright] = ["rgb(68, 1, 84)", "rgb(253, 231, 37)"];
  const { colorscale, colorbar } = figure(result, none).data[0].marker;
  assert.deepEqual(colorscale, [
    [0, dark],
    [0.5, dark],
    [0.5, bright],
    [1, bright],
  ]);
  assert.equal(colorbar.orientation, undefined);
  assert.equal(figure(result, none, true).data[0].marker.colorbar.orientation, "h");
});

test("a deep model has at most twelve numbers in its legend", () => {
  const places = Array.from({ length: 48 }, (_, at) => [at, at]);
  assert.equal(
    figure({ ...result, of: places.map(([layer]) => [layer, 0]), places }, none).data[0].marker.colorbar.dtick,
    4,
  );
});

test("a model with one layer has a colour", () => {
  const { color, cmin, cmax } = figure(
    { ...result, of: result.of.slice(0, 2), places: result.places.slice(0, 2) },
    none,
  ).data[0].marker;
  assert.deepEqual([color, cmin, cmax], [[0, 0], -0.5, 0.5]);
});

test("the point of the chosen head is larger", () => {
  const { size } = figure(result, { layer: 1, head: 0 }).data[0].marker;
  assert.deepEqual(size, [9, 9, 15, 9]);
});

test("both axes have the same scale", () => {
  assert.equal(figure(result, none).layout.yaxis.scaleanchor, "x");
});

test("the most similar heads come first, without the head itself", () => {
  assert.deepEqual(nearest(result, 0, 0), [
    { layer: 1, head: 1, bits: 0, cosine: 1 },
    { layer: 1, head: 0, bits: 0.25, cosine: 0.75 },
    { layer: 0, head: 1, bits: 0.5, cosine: 0.5 },
  ]);
});

test("at most five heads are listed", () => {
  const line = Array.from({ length: 8 }, (_, at) => at / 8);
  const many = { ...result, of: line.map((_, head) => [0, head]), jensen_shannon: [line], cosine: [line] };
  assert.deepEqual(
    nearest(many, 0, 0).map(({ head }) => head),
    [1, 2, 3, 4, 5],
  );
});

test("layers without attention, and heads that a layer does not have, take no place", () => {
  const of = /** @type {any} */ ([
    [1, 0],
    [1, 1],
    [4, 0],
    [5, 2],
  ]);
  const found = figure({ ...result, of }, { layer: 5, head: 2 }).data[0];
  assert.deepEqual(
    found.text,
    of.map((/** @type {number[]} */ [layer, head]) => `layer ${layer}, head ${head}`),
  );
  assert.deepEqual(found.marker.size, [9, 9, 9, 15]);
  assert.deepEqual(nearest({ ...result, of }, 5, 2)[0], { layer: 1, head: 0, bits: 0, cosine: 1 });
  assert.deepEqual(nearest({ ...result, of }, 0, 0), []);
});

test("a head that does not exist has no similar heads", () => {
  assert.deepEqual(nearest(result, 7, 0), []);
});

test("a result of another text is not shown", () => {
  const state = /** @type {any} */ ({ ...initialState(), overview: { capture: captureOf(["a"]) } });
  assert.equal(resultOf({ ...state, similarity: { id: "abc", result } }), result);
  assert.equal(resultOf({ ...state, similarity: { id: "older", result } }), null);
  assert.equal(resultOf(state), null);
});
