import { cellOf, isMasked, isRest } from "./matrix.js";

/** @import {Matrix, Overview} from "./types.js" */

/**
 * What a column gets from a row on average, over the rows that may look at it.
 *
 * @param {Matrix} matrix
 * @param {boolean | null} causal
 * @param {number} column
 */
function columnMean(matrix, causal, column) {
  let [sum, count] = [0, 0];
  for (let row = 0; row < matrix.rows; row++) {
    if (isMasked(matrix, causal, row, column)) continue;
    sum += cellOf(matrix, row, column);
    count += 1;
  }
  return sum / Math.max(1, count);
}

/**
 * How far the strongest link to a column stands out from what every row gives it. A column that all look at alike is a
 * rest and not a link, and so is what lies beside the diagonal: looking at a neighbour is true of any text.
 *
 * @param {Matrix} matrix
 * @param {boolean | null} causal
 * @param {number[]} rows
 * @param {number} column
 */
function strongestLink(matrix, causal, rows, column) {
  const distant = rows.filter((row) => Math.abs(row - column) > 1);
  return Math.max(0, ...distant.map((row) => cellOf(matrix, row, column))) - columnMean(matrix, causal, column);
}

/**
 * How much there is to see in a small picture: links to many different tokens, and little attention at rest.
 * Squares favour a few sharp links over an even haze.
 *
 * @param {Matrix} matrix
 * @param {boolean | null} causal
 * @param {Set<number>} rests rows and columns of special and first tokens
 */
function telling(matrix, causal, rests) {
  const free = (/** @type {number} */ count) => [...Array(count).keys()].filter((at) => !rests.has(at));
  const rows = free(matrix.rows);
  const links = free(matrix.columns).map((column) => Math.max(0, strongestLink(matrix, causal, rows, column)) ** 2);
  const resting = rows.flatMap((row) => [...rests].map((column) => cellOf(matrix, row, column)));
  const sum = (/** @type {number[]} */ numbers) => numbers.reduce((total, number) => total + number, 0);
  // Maxima of pooled cells may add up to more than one.
  return sum(links) * Math.max(0, 1 - sum(resting) / Math.max(1, rows.length));
}

/**
 * The head to open a text with, where the reader has chosen none: the one that tells most. Of equals, the first.
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
      const value = telling(overview.at(layer, head), model.causal, rests);
      if (value > best.value) best = { layer, head, value };
    }
  }
  return { layer: best.layer, head: best.head };
}
