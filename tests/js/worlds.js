// Small captures and matrices for the tests of the page, with values that can be checked by hand.

/** @param {string[]} texts @param {object} [options] */
export function captureOf(texts, { causal = false, special = /^\[/ } = {}) {
  const tokens = texts.map((text, index) => ({ index, text, special: special.test(text) }));
  const model = {
    id: "toy",
    title: "Toy",
    family: "toy",
    layers: 2,
    heads: 3,
    max_tokens: 512,
    causal,
    pairs: !causal,
    state: "ready",
  };
  return {
    id: "abc",
    model,
    tokens,
    layers: 2,
    heads: 3,
    queries: texts.length,
    keys: texts.length,
    tokens_dropped: 0,
  };
}

/** @param {number[][]} rows @param {number} [step] @param {{query?: number, key?: number}} [first] its first tokens */
export function matrixOf(rows, step = 1, { query = 0, key = 0 } = {}) {
  const columns = rows[0].length;
  const spans = { queries: [query, query + rows.length * step], keys: [key, key + columns * step] };
  const values = Float32Array.from(rows.flat());
  return { values, rows: rows.length, columns, queryStep: step, keyStep: step, ...spans };
}

/** Where a cell covers `step` tokens each way. @param {string[]} texts @param {number[][]} rows @param {object} options */
export const patternOf = (texts, rows, { step = 1, ...options } = {}) => ({
  capture: captureOf(texts, options),
  layer: 1,
  head: 2,
  matrix: matrixOf(rows, step),
  detail: null,
});

/** Three tokens of a causal model. */
export const CAUSAL = patternOf(
  ["a", "b", "c"],
  [
    [1, 0, 0],
    [0.75, 0.25, 0],
    [0.25, 0.25, 0.5],
  ],
  { causal: true },
);

/** A file as numpy.save writes it. @param {number[]} shape @param {ArrayLike<number>} values @param {object} [options] */
export function npyOf(shape, values, { descr = "<f4", fortran = "False", version = 1, padding = 64 } = {}) {
  const start = version === 1 ? 10 : 12;
  const facts = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const length = Math.ceil((start + facts.length + 1) / padding) * padding - start;
  const bytes = new Uint8Array(start + length + values.length * 4);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, length, true);
  else view.setUint32(8, length, true);
  bytes.set(new TextEncoder().encode(`${facts.padEnd(length - 1)}\n`), start);
  Array.from(values, (value, at) => view.setFloat32(start + length + at * 4, value, true));
  return bytes.buffer;
}

/** A score of each head [layer][head], its ranks worked out. @param {(number | null)[][]} values @param {object} [facts] */
export function scoreOf(values, facts = {}) {
  const known = values.flat().filter((value) => value !== null);
  const rank = (/** @type {number | null} */ value) =>
    value === null ? null : 1 + known.filter((other) => Number(other) > value).length;
  return {
    name: "previous",
    title: "previous token",
    unit: "share",
    formula: "A_i,i-1",
    source: { title: "Voita et al. 2019", link: "https://arxiv.org/abs/1905.09418" },
    choice: "the first query is not counted",
    values,
    ranks: values.map((row) => row.map(rank)),
    ...facts,
  };
}

/**
 * A model whose layers have so many heads and key/value heads; with 0 heads, a layer has no attention.
 *
 * @param {[number, number][]} layers
 */
export function modelOf(layers) {
  const cards = layers.map(([heads, kv_heads], index) => ({
    index,
    heads,
    kv_heads,
    why: heads ? null : "MambaMixer",
  }));
  return { ...captureOf(["a"]).model, stacks: [{ layers: cards }] };
}

/** @param {string} name @param {"source" | "target"} queries @param {"source" | "target"} keys @param {boolean} [causal] */
const stackOf = (name, queries, keys, causal = false) => ({
  name,
  queries,
  keys,
  causal,
  layers: Array.from({ length: name === "encoder" ? 1 : 2 }, (_, index) => ({
    index,
    heads: 3,
    kv_heads: 3,
    why: null,
  })),
});

/** The stacks of a model with an encoder and a decoder. */
export const STACKS = [
  stackOf("encoder", "source", "source"),
  stackOf("decoder", "target", "target", true),
  stackOf("cross", "target", "source"),
];

/**
 * A capture of such a model, as the server describes it.
 *
 * @param {string} stack
 * @param {string[]} text
 * @param {string[]} target
 */
export function answerOf(stack, text, target) {
  const { layers, queries, keys } = STACKS.find(({ name }) => name === stack) ?? STACKS[0];
  const [source, other] = [captureOf(text), captureOf(target)];
  const counts = { source: text.length, target: target.length };
  return {
    ...source,
    model: { ...source.model, layers: 1, pairs: false, stacks: STACKS },
    stack,
    layers: layers.length,
    queries: counts[queries],
    keys: counts[keys],
    target: target.slice(1).join(" "),
    target_tokens: other.tokens,
    target_written: true,
  };
}
