import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../static/js/state/store.js";
import { ignoredFields, parse, print } from "../../../static/js/state/url.js";

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

test("printing an address and parsing it gives the same state", () => {
  assert.deepEqual(parse(print({ ...initialState(), ...address })), address);
});

test("effects and panels survive printing and parsing", () => {
  for (const show of ["effect", "layer"]) assert.deepEqual(parse(print({ ...initialState(), show })), { show });
  for (const panel of ["scores", "similarity"]) assert.deepEqual(parse(print({ ...initialState(), panel })), { panel });
});

test("layer 0 and a residual of 0 are kept", () => {
  const zeros = { start: 0, upto: 0, residual: 0 };
  assert.deepEqual(parse(print({ ...initialState(), ...zeros })), zeros);
});

test("there are no effects of words", () => {
  assert.deepEqual(parse("#words=1&show=effect"), { show: "effect" });
  assert.deepEqual(parse("#words=1&show=weights"), { words: true, show: "weights" });
  assert.equal(ignoredFields("#words=1&show=layer"), "Ignored part of the link: words=1");
});

test("fields with their initial value are not printed", () => {
  assert.equal(print({ ...initialState(), model: "minilm", text: "Hi there" }), "#model=minilm&text=Hi+there");
});

test("a text cannot set other fields", () => {
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
  "a sort that is not 1": "#sort=yes",
  "top 0": "#top=0",
  "a negative top": "#top=-5",
  "an unknown panel": "#panel=facts",
  "a property of every object as a panel": "#panel=constructor",
  "an unknown value of show": "#show=values",
  "words that are not 1": "#words=true",
  "a start that is not a whole number": "#start=0.5",
  "a negative last layer": "#upto=-1",
  "a residual of 100 percent": "#residual=100",
  "a residual that is not a whole number": "#residual=1e1",
  "an incomplete percent escape": "#scale=%",
  "an empty fragment": "",
})) {
  test(`${what} is ignored`, () => assert.deepEqual(parse(fragment), {}));
}

test("a model can be local or from the hub, with a revision", () => {
  for (const model of ["local:my-bert", "google/bert_uncased.v2@main"]) {
    assert.equal(parse(print({ ...initialState(), model })).model, model);
  }
});

test("ignored fields are named, and clipped", () => {
  assert.equal(ignoredFields("#text=a&layer=2&head=1"), "");
  assert.equal(ignoredFields("#text=a&layer=<b>&head=1&size=9"), "Ignored part of the link: layer=<b>, head=1, size=9");
  assert.equal(ignoredFields(`#scale=${"x".repeat(99)}`), `Ignored part of the link: scale=${"x".repeat(33)}…`);
});

test("a link that was shared before keeps working", () => {
  const link =
    "#model=gpt2-mini&text=The+old+bird&text_pair=&layer=3&head=5&scale=log&rows=0%3A3&columns=1%3A4&fold=1&flip=1" +
    "&as=table&token=2&side=key&words=1&score=induction&sort=1&top=10&panel=rollout&start=1&upto=2&residual=25&raw=1" +
    "&flow=1&probe=1&truncate=1";
  assert.deepEqual(parse(link), {
    model: "gpt2-mini",
    text: "The old bird",
    text_pair: "",
    truncate: true,
    layer: 3,
    head: 5,
    scale: "log",
    rows: [0, 3],
    columns: [1, 4],
    fold: true,
    flip: true,
    as: "table",
    token: 2,
    side: "key",
    words: true,
    score: "induction",
    sort: true,
    top: 10,
    panel: "rollout",
    start: 1,
    upto: 2,
    residual: 25,
    raw: true,
    flow: true,
    probe: true,
  });
  assert.equal(ignoredFields(link), "");
});
