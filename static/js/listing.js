import { nameSpan } from "./format.js";
import { cellOf, isMasked } from "./matrix.js";
import { frameOf, sightOf } from "./sight.js";

/** @import {Cell, Look, Pattern, Span} from "./types.js" */

/** @typedef {"query" | "key" | "weight"} Column */
/** @typedef {Cell & {weight: number}} Entry the cell is named by the first of its tokens */

/**
 * Every weight that the picture shows, unsorted. What a query may not look at has no weight, and no row.
 *
 * @param {Pattern} pattern
 * @param {Look} look
 * @returns {Entry[]}
 */
export function entries(pattern, look) {
  const { capture, matrix } = pattern;
  const sight = sightOf(pattern, { ...look, flip: false });
  const frame = frameOf(sight, look);
  const firsts = (/** @type {number[]} */ side, /** @type {Span} */ span, /** @type {number} */ step) => [
    ...new Set(side.slice(...span).map((index) => Math.floor(index / step))),
  ];
  const columns = firsts(sight.across, frame.across, matrix.keyStep);
  return firsts(sight.down, frame.down, matrix.queryStep).flatMap((row) =>
    columns
      .filter((column) => !isMasked(matrix, capture.model.causal, row, column))
      .map((column) => ({
        query: row * matrix.queryStep,
        key: column * matrix.keyStep,
        weight: cellOf(matrix, row, column),
      })),
  );
}

/**
 * In the order of one column; what is alike in it stays in reading order.
 *
 * @param {Entry[]} rows
 * @param {Column} column
 * @param {boolean} ascending
 */
export function sorted(rows, column, ascending) {
  const sign = ascending ? 1 : -1;
  return rows.toSorted(
    (one, other) => sign * (one[column] - other[column]) || one.query - other.query || one.key - other.key,
  );
}

/**
 * The tokens of an entry in words.
 *
 * @param {Pattern} pattern
 * @param {Entry} entry
 */
export const named = ({ capture, matrix }, entry) => ({
  query: nameSpan(capture.tokens, entry.query, matrix.queryStep),
  key: nameSpan(capture.tokens, entry.key, matrix.keyStep),
});

/**
 * For a spreadsheet: positions, tokens, and the weight with all its digits.
 *
 * @param {Pattern} pattern
 * @param {Entry[]} rows
 */
export function tsv({ capture }, rows) {
  // A token may hold what separates fields and lines.
  const text = (/** @type {number} */ index) => (capture.tokens[index]?.text ?? "").replaceAll(/[\t\r\n]/g, " ");
  const lines = rows.map(({ query, key, weight }) => [query, text(query), key, text(key), weight].join("\t"));
  return ["query_position\tquery\tkey_position\tkey\tweight", ...lines, ""].join("\n");
}
