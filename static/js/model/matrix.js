/** @import {Capture, Cell, Matrix, Pattern, Span, Token} from "../types.js" */

/**
 * True where no query of the cell may look at any key of it: the server writes 0 there, which is not a weight.
 *
 * @param {Matrix} matrix
 * @param {boolean | null} causal
 * @param {number} row
 * @param {number} column
 */
export function isMasked({ queries, keys, queryStep, keyStep }, causal, row, column) {
  // The last row may cover fewer queries than the others.
  const last = Math.min(queries[0] + (row + 1) * queryStep, queries[1]) - 1;
  return causal === true && keys[0] + column * keyStep > last;
}

/** @param {Matrix} matrix @param {Cell} cell */
export const holds = ({ queries, keys }, { query, key }) =>
  query >= queries[0] && query < queries[1] && key >= keys[0] && key < keys[1];

/**
 * Of the whole and the closer look, the one that tells most of a weight.
 *
 * @param {Pattern} pattern
 * @param {Cell} cell
 */
export const sharpest = ({ matrix, detail }, cell) => (detail && holds(detail, cell) ? detail : matrix);

/**
 * Where in a matrix a weight is, and the tokens that its cell covers.
 *
 * @param {Matrix} matrix one that holds it
 * @param {Cell} cell
 */
export function coverOf({ queries, keys, queryStep, keyStep }, { query, key }) {
  const row = Math.floor((query - queries[0]) / queryStep);
  const column = Math.floor((key - keys[0]) / keyStep);
  return { row, column, queries: part(queries, row, queryStep), keys: part(keys, column, keyStep) };
}

/** @param {Span} span @param {number} at @param {number} step @returns {Span} */
const part = ([from, to], at, step) => [from + at * step, Math.min(from + (at + 1) * step, to)];

/**
 * The largest weight of a matrix, and its tokens.
 *
 * @param {Matrix} matrix exact
 */
export function largest({ values, columns, queries, keys }) {
  const at = values.reduce((best, value, index) => (value > (values[best] ?? 0) ? index : best), 0);
  return { query: queries[0] + Math.floor(at / columns), key: keys[0] + (at % columns), value: values[at] ?? 0 };
}

/** @param {Matrix} matrix */
export const isExact = (matrix) => matrix.queryStep === 1 && matrix.keyStep === 1;

/**
 * @param {Matrix} matrix
 * @param {number} row
 * @param {number} column
 */
export const cellOf = (matrix, row, column) => matrix.values[row * matrix.columns + column] ?? 0;

/**
 * True of tokens that heads rest on when they have nothing to say: special ones, and the first of a causal model.
 *
 * @param {Token} token
 * @param {boolean | null} causal
 */
export const isRest = (token, causal) => token.special || (causal === true && token.index === 0);

/**
 * Rows that could have looked elsewhere: not special tokens, and not the first of a causal model, whose weight is always 1.
 *
 * @param {Token[]} tokens
 * @param {boolean | null} causal
 */
export function freeQueries(tokens, causal) {
  return tokens.filter((token) => !isRest(token, causal)).map((token) => token.index);
}

/**
 * The largest weight of an exact matrix from a free query to a key that is no rest; null where there is no choice of them.
 *
 * @param {Capture} capture
 * @param {Matrix} matrix
 */
export function strongest(capture, matrix) {
  let best = null;
  const words = freeQueries(capture.tokens, capture.model.causal);
  if (words.length < 2) return null;
  for (const query of words) {
    for (const key of words) {
      const value = cellOf(matrix, query, key);
      if (best === null || value > best.value) best = { query, key, value };
    }
  }
  return best;
}

/**
 * Where attention may go. Each key belongs to one of them only, so that the shares add up to one.
 *
 * @typedef {"special" | "first" | "self" | "before" | "after" | "other"} Place
 */

/**
 * @param {Token[]} tokens
 * @param {boolean | null} causal
 * @param {number} query
 * @param {number} key
 * @returns {Place}
 */
function placeOf(tokens, causal, query, key) {
  if (tokens[key]?.special) return "special";
  if (key === query) return "self";
  // Causal models rest their unused attention on the first token, as others do on [CLS] and [SEP].
  if (key === 0 && causal) return "first";
  if (key === query - 1) return "before";
  return key === query + 1 ? "after" : "other";
}

/**
 * Where the free queries of an exact matrix look, on average; null where no query is free. A place that no query could
 * look at, such as the token before in a text of one token, is left out: nothing was given to it, not even 0.
 *
 * @param {Capture} capture
 * @param {Matrix} matrix
 * @returns {Partial<Record<Place, number>> | null}
 */
export function shares(capture, matrix) {
  const { tokens, model } = capture;
  const queries = freeQueries(tokens, model.causal);
  if (!queries.length) return null;
  /** @type {Partial<Record<Place, number>>} */
  const sums = {};
  for (const query of queries) {
    for (let key = 0; key < matrix.columns; key++) {
      if (isMasked(matrix, model.causal, query, key)) continue;
      const place = placeOf(tokens, model.causal, query, key);
      sums[place] = (sums[place] ?? 0) + cellOf(matrix, query, key) / queries.length;
    }
  }
  return sums;
}

/**
 * Over how many keys a free query spreads, on average: 2 to the mean entropy in bits. 1 is one key, n is all alike.
 *
 * @param {Capture} capture
 * @param {Matrix} matrix
 */
export function spread(capture, matrix) {
  const queries = freeQueries(capture.tokens, capture.model.causal);
  let bits = 0;
  for (const query of queries) {
    for (let key = 0; key < matrix.columns; key++) {
      const value = cellOf(matrix, query, key);
      if (value > 0) bits -= value * Math.log2(value);
    }
  }
  return queries.length ? 2 ** (bits / queries.length) : null;
}
