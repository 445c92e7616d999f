import { tokensOf } from "./stack.js";

/** @import {Capture, Cell, Matrix, Pattern, Span, Token} from "../types.js" */

/**
 * True where no query of the cell may attend to any key of it: the server sends 0 there, which is not a weight.
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
 * The matrix with the smaller cells: the detail where it holds the cell, else the matrix of the whole text.
 *
 * @param {Pattern} pattern
 * @param {Cell} cell
 */
export const sharpest = ({ matrix, detail }, cell) => (detail && holds(detail, cell) ? detail : matrix);

/**
 * The row and column of a weight, and the tokens that they cover.
 *
 * @param {Matrix} matrix one that holds the weight
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
 * The maximum of a matrix, and its tokens.
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
 * The tokens that the server calls the sink: special tokens, and the first token of a causal model.
 *
 * @param {Token} token
 * @param {boolean | null} causal
 */
export const isSink = (token, causal) => token.special || (causal === true && token.index === 0);

/**
 * The maximum of an exact matrix outside the rows and columns of the sink; null where fewer than two keys are left.
 *
 * @param {Capture} capture
 * @param {Matrix} matrix
 */
export function strongest(capture, matrix) {
  const others = (/** @type {Token[]} */ tokens) =>
    tokens.filter((token) => !isSink(token, capture.model.causal)).map(({ index }) => index);
  const keys = others(capture.tokens);
  let best = null;
  if (keys.length < 2) return null;
  for (const query of others(tokensOf(capture, "query"))) {
    for (const key of keys) {
      const value = cellOf(matrix, query, key);
      if (best === null || value > best.value) best = { query, key, value };
    }
  }
  return best;
}
