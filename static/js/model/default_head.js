import { cellOf, isMasked, isSink } from "./matrix.js";
import { isCross, tokensOf } from "./stack.js";

/** @import {Matrix, Overview, Token} from "../types.js" */

/** @typedef {{causal: boolean | null, queries: Set<number>, keys: Set<number>, cross: boolean}} Sinks rows and columns of sink tokens */

/**
 * How much structure a thumbnail shows: the larger, the more keys get a strong weight from some query, and the less
 * attention goes to the sink.
 *
 * For each key: how far its maximum is above the mean of its column, squared, so that a few strong weights count more
 * than many weak ones. A key that all queries attend to alike adds nothing. The diagonal and its neighbours are left
 * out: heads attend to neighbours in any text (in cross-attention, there are none). The sum is multiplied by the share of attention outside the sink.
 *
 * One pass without closures, as a large model has thousands of heads.
 *
 * @param {Matrix} matrix
 * @param {Sinks} sinks
 */
function structure(matrix, { causal, queries, keys, cross }) {
  const { rows, columns } = matrix;
  const [sums, counts, most] = [new Float64Array(columns), new Float64Array(columns), new Float64Array(columns)];
  let onSinks = 0;
  for (let row = 0; row < rows; row++) {
    const isSinkRow = queries.has(row);
    for (let column = 0; column < columns && !isMasked(matrix, causal, row, column); column++) {
      const weight = cellOf(matrix, row, column);
      sums[column] = at(sums, column) + weight;
      counts[column] = at(counts, column) + 1;
      if (!isSinkRow && (cross || Math.abs(row - column) > 1)) most[column] = Math.max(at(most, column), weight);
    }
    if (!isSinkRow) for (const column of keys) onSinks += cellOf(matrix, row, column);
  }
  let found = 0;
  for (let column = 0; column < columns; column++) {
    if (keys.has(column)) continue;
    found += Math.max(0, at(most, column) - at(sums, column) / Math.max(1, at(counts, column))) ** 2;
  }
  // Maxima of pooled cells may add up to more than one.
  return found * Math.max(0, 1 - onSinks / Math.max(1, rows - queries.size));
}

/** @param {Float64Array} numbers @param {number} index */
const at = (numbers, index) => numbers[index] ?? 0;

/**
 * The head that is shown first, before one is chosen: the one whose thumbnail shows most structure. Of
 * several equal ones, the first.
 *
 * @param {Overview} overview
 */
export function defaultHead(overview) {
  const { capture } = overview;
  const { causal } = capture.model;
  const cells = Array.from({ length: overview.layers }, (_, layer) => overview.at(layer, 0)).find((matrix) => matrix);
  const sinksOf = (/** @type {Token[]} */ tokens, step = 1) =>
    new Set(tokens.filter((token) => isSink(token, causal)).map(({ index }) => Math.floor(index / step)));
  const queries = sinksOf(tokensOf(capture, "query"), cells?.queryStep);
  const sinks = { causal, queries, keys: sinksOf(capture.tokens, cells?.keyStep), cross: isCross(capture) };
  let best = { layer: 0, head: 0, value: -1 };
  for (let layer = 0; layer < overview.layers; layer++) {
    for (let head = 0; head < overview.heads; head++) {
      const matrix = overview.at(layer, head);
      const value = matrix ? structure(matrix, sinks) : -1;
      if (value > best.value) best = { layer, head, value };
    }
  }
  return { layer: best.layer, head: best.head };
}
