/** @import {Capture, Matrix, Overview, Token} from "./types.js" */

/**
 * True where no query of the cell may look at any key of it: the server writes 0 there, which is not a weight.
 *
 * @param {Matrix} matrix
 * @param {boolean | null} causal
 * @param {number} row
 * @param {number} column
 */
export function isMasked(matrix, causal, row, column) {
  return causal === true && column * matrix.keyStep > (row + 1) * matrix.queryStep - 1;
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
const isRest = (token, causal) => token.special || (causal === true && token.index === 0);

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
 * The largest weight of an exact matrix from a free query to a key that is no rest; null where there is none.
 *
 * @param {Capture} capture
 * @param {Matrix} matrix
 */
export function strongest(capture, matrix) {
  let best = null;
  const words = freeQueries(capture.tokens, capture.model.causal);
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
 * Where the free queries of an exact matrix look, on average; null where no query is free.
 *
 * @param {Capture} capture
 * @param {Matrix} matrix
 * @returns {Record<Place, number> | null}
 */
export function shares(capture, matrix) {
  const { tokens, model } = capture;
  const queries = freeQueries(tokens, model.causal);
  if (!queries.length) return null;
  const sums = { special: 0, first: 0, self: 0, before: 0, after: 0, other: 0 };
  for (const query of queries) {
    for (let key = 0; key < matrix.columns; key++) {
      sums[placeOf(tokens, model.causal, query, key)] += cellOf(matrix, query, key) / queries.length;
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

/**
 * What a column gets from a row on average, over the rows that may look at it.
 *
 * @param {Matrix} matrix
 * @param {boolean | null} causal
 */
function columnMeans(matrix, causal) {
  return Array.from({ length: matrix.columns }, (_, column) => {
    let [sum, count] = [0, 0];
    for (let row = 0; row < matrix.rows; row++) {
      if (isMasked(matrix, causal, row, column)) continue;
      sum += cellOf(matrix, row, column);
      count += 1;
    }
    return sum / Math.max(1, count);
  });
}

/**
 * How sharply a small picture links distant tokens: what cells off the diagonal have beyond their column's average.
 * A column that all rows look at is a rest and not a link; squares favour a few strong links over an even haze.
 *
 * @param {Matrix} matrix
 * @param {boolean | null} causal
 * @param {Set<number>} rests columns of special and first tokens
 */
function links(matrix, causal, rests) {
  const means = columnMeans(matrix, causal);
  let sum = 0;
  for (let row = 0; row < matrix.rows; row++) {
    for (let column = 0; column < matrix.columns; column++) {
      if (Math.abs(row - column) < 2 || rests.has(column)) continue;
      sum += Math.max(0, cellOf(matrix, row, column) - (means[column] ?? 0)) ** 2;
    }
  }
  return sum;
}

/**
 * The head to open with: the one that most sharply links tokens that are not neighbours. Most heads only rest on
 * [SEP] or on the first token, or look one step back, which is true of any text.
 *
 * @param {Overview} overview
 */
export function mostTelling(overview) {
  const { tokens, model } = overview.capture;
  const step = overview.at(0, 0).keyStep;
  const resting = tokens.filter((token) => isRest(token, model.causal));
  const rests = new Set(resting.map((token) => Math.floor(token.index / step)));
  let best = { layer: 0, head: 0, value: -1 };
  for (let layer = 0; layer < overview.layers; layer++) {
    for (let head = 0; head < overview.heads; head++) {
      const value = links(overview.at(layer, head), model.causal, rests);
      if (value > best.value) best = { layer, head, value };
    }
  }
  return { layer: best.layer, head: best.head };
}
