import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../static/js/state/store.js";
import { parse, print, refused } from "../../../static/js/state/url.js";

const address = {
  model: "minilm",
  text: "a & b = #1\nשלום 😀 +",
  text_pair: "b",
  truncate: true,
  layer: 2,
  head: 4,
  scale: "log",
  rows: [0, 5],
  columns: [3, 9],
  fold: true,
  flip: true,
  token: 4,
  side: "key",
  words: true,
  score: "normalised_entropy",
  sort: true,
  top: 10,
  panel: "rollout",
  start: 1,
  upto: 5,
  residual: 25,
};

test("what is printed is read back", () => {
  assert.deepEqual(parse(print({ ...initialState(), ...address })), address);
});

test("effects and every panel are read back", () => {
  for (const show of ["effect", "layer"]) assert.deepEqual(parse(print({ ...initialState(), show })), { show });
  for (const panel of ["scores", "similarity"]) assert.deepEqual(parse(print({ ...initialState(), panel })), { panel });
});

test("the first layer and no residual are numbers, too", () => {
  const through = { start: 0, upto: 0, residual: 0 };
  assert.deepEqual(parse(print({ ...initialState(), ...through })), through);
});

test("words have weights and no effects", () => {
  assert.deepEqual(parse("#words=1&show=effect"), { show: "effect" });
  assert.deepEqual(parse("#words=1&show=weights"), { words: true, show: "weights" });
  assert.equal(refused("#words=1&show=layer"), "left out of the address: words=1");
});

test("what is as usual is left out of the address", () => {
  assert.equal(print({ ...initialState(), model: "minilm", text: "Hi there" }), "#model=minilm&text=Hi+there");
});

test("no character of a text can break out of its field", () => {
  assert.deepEqual(parse(print({ ...initialState(), text: "x&layer=1&head=1#" })), { text: "x&layer=1&head=1#" });
});

for (const [what, fragment] of Object.entries({
  "an unknown field": "#colour=red",
  "a layer that is not a number": "#layer=2e1&head=1",
  "a negative head": "#layer=1&head=-1",
  "a layer without its head": "#layer=1",
  "a head without its layer": "#head=1",
  "an unknown scale": "#scale=cubic",
  "a window that ends before it begins": "#rows=5:2",
  "an empty window": "#columns=3:3",
  "a model name with markup": "#model=<script>",
  "a text too long for an address": `#text=${"a".repeat(200_001)}`,
  "a score with markup": "#score=<b>",
  "a score whose name is too long": `#score=${"a".repeat(41)}`,
  "a sort that is neither yes nor no": "#sort=yes",
  "the first none": "#top=0",
  "less than none": "#top=-5",
  "an unknown panel": "#panel=facts",
  "what every object has as a panel": "#panel=constructor",
  "an unknown thing to show": "#show=values",
  "words that are neither yes nor no": "#words=true",
  "a layer to start from that is half": "#start=0.5",
  "a layer to end with that is negative": "#upto=-1",
  "a residual of all": "#residual=100",
  "a residual that is no number": "#residual=1e1",
  "half a percent code": "#scale=%",
  nothing: "",
})) {
  test(`${what} is not let in`, () => assert.deepEqual(parse(fragment), {}));
}

test("a model may be local or of the hub, with its revision", () => {
  for (const model of ["local:my-bert", "google/bert_uncased.v2@main"]) {
    assert.equal(parse(print({ ...initialState(), model })).model, model);
  }
});

test("what an address asks for and does not get is named, and cut short", () => {
  assert.equal(refused("#text=a&layer=2&head=1"), "");
  assert.equal(refused("#text=a&layer=<b>&head=1&size=9"), "left out of the address: layer=<b>, head=1, size=9");
  assert.equal(refused(`#scale=${"x".repeat(99)}`), `left out of the address: scale=${"x".repeat(33)}…`);
});
