import { cellOf, isMasked, isRest } from "./matrix.js";

/** @import {Matrix, Overview} from "../types.js" */

/**
 * How much there is to see in a small picture: links to many different tokens, and little attention at rest.
 *
 * A column's link is how far the strongest weight on it stands out from what every row that may look at it gives it. A
 * column that all look at alike is a rest and not a link, and so is what lies beside the diagonal: looking at a
 * neighbour is true of any text. Squares favour a few sharp links over an even haze.
 *
 * One pass, and no closures: a large model has thousands of heads, and the reader waits.
 *
 * @param {Matrix} matrix
 * @param {boolean | null} causal
 * @param {Set<number>} rests rows and columns of special and first tokens
 */
function telling(matrix, causal, rests) {
  const { rows, columns } = matrix;
  const [sums, counts, most] = [new Float64Array(columns), new Float64Array(columns), new Float64Array(columns)];
  let resting = 0;
  for (let row = 0; row < rows; row++) {
    const rowRests = rests.has(row);
    for (let column = 0; column < columns && !isMasked(matrix, causal, row, column); column++) {
      const weight = cellOf(matrix, row, column);
      sums[column] = at(sums, column) + weight;
      counts[column] = at(counts, column) + 1;
      if (!rowRests && Math.abs(row - column) > 1) most[column] = Math.max(at(most, column), weight);
    }
    if (!rowRests) for (const column of rests) resting += cellOf(matrix, row, column);
  }
  let links = 0;
  for (let column = 0; column < columns; column++) {
    if (rests.has(column)) continue;
    links += Math.max(0, at(most, column) - at(sums, column) / Math.max(1, at(counts, column))) ** 2;
  }
  // Maxima of pooled cells may add up to more than one.
  return links * Math.max(0, 1 - resting / Math.max(1, rows - rests.size));
}

/** @param {Float64Array} numbers @param {number} index */
const at = (numbers, index) => numbers[index] ?? 0;

/**
 * The head to open a text with, where the reader has chosen none: the one that tells most. Of equals, the first.
 *
 * @param {Overview} overview
 */
export function mostTelling(overview) {
  const { tokens, model } = overview.capture;
  const step = overview.at(0, 0)?.keyStep ?? 1;
  const resting = tokens.filter((token) => isRest(token, model.causal));
  const rests = new Set(resting.map((token) => Math.floor(token.index / step)));
  let best = { layer: 0, head: 0, value: -1 };
  for (let layer = 0; layer < overview.layers; layer++) {
    for (let head = 0; head < overview.heads; head++) {
      const matrix = overview.at(layer, head);
      const value = matrix ? telling(matrix, model.causal, rests) : -1;
      if (value > best.value) best = { layer, head, value };
    }
  }
  return { layer: best.layer, head: best.head };
}
