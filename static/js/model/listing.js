import { nameSpan } from "./format.js";
import { cellOf, coverOf, isMasked } from "./matrix.js";
import { frameOf, sightOf } from "./placement.js";

/** @import {Cell, Look, Matrix, Pattern, Span} from "../types.js" */

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
  const sight = sightOf(pattern, { ...look, flip: false });
  const frame = frameOf(sight, look);
  const matrix = shownMatrix(pattern, look);
  const queries = firsts(sight.down.slice(...frame.down), matrix.queries, matrix.queryStep);
  const keys = firsts(sight.across.slice(...frame.across), matrix.keys, matrix.keyStep);
  return queries.flatMap((query) =>
    keys.flatMap((key) => {
      const { row, column } = coverOf(matrix, { query, key });
      const masked = isMasked(matrix, pattern.capture.model.causal, row, column);
      return masked ? [] : [{ query, key, weight: cellOf(matrix, row, column) }];
    }),
  );
}

/**
 * The matrix that a look's weights are read from: the closer one, where it has them all.
 *
 * @param {Pattern} pattern
 * @param {Pick<Look, "rows" | "columns">} look
 */
export function shownMatrix({ capture, matrix, detail }, { rows, columns }) {
  const within = (/** @type {Span | null} */ span, /** @type {Span} */ held) =>
    held[0] <= (span?.[0] ?? 0) && held[1] >= (span?.[1] ?? capture.queries);
  return detail && within(rows, detail.queries) && within(columns, detail.keys) ? detail : matrix;
}

/**
 * The first token of each cell that covers some of the tokens.
 *
 * @param {number[]} tokens
 * @param {Span} span of the matrix
 * @param {number} step
 */
const firsts = (tokens, [from], step) => [
  ...new Set(tokens.map((token) => from + Math.floor((token - from) / step) * step)),
];

/** Of numbers that are not negative, the bits of a 32-bit float are in the order of the numbers. @param {Entry[]} rows */
function weightBits(rows) {
  return new Uint32Array(Float32Array.from(rows, ({ weight }) => weight).buffer);
}

/**
 * In the order of one column; what is alike in it stays in reading order. A comparison in JavaScript for each pair of
 * 130,000 rows takes seconds: here a row is one number, the column's and below it the row's place, which sorts at once.
 *
 * @param {Entry[]} rows in reading order
 * @param {Column} column
 * @param {boolean} ascending
 */
export function sorted(rows, column, ascending) {
  const bits = column === "weight" ? weightBits(rows) : rows.map((row) => row[column]);
  const keys = Float64Array.from(bits, (value, at) => (ascending ? value : 2 ** 32 - 1 - value) * rows.length + at);
  return Array.from(keys.sort(), (key) => /** @type {Entry} */ (rows[key % rows.length]));
}

/**
 * The tokens of an entry in words.
 *
 * @param {Pattern} pattern
 * @param {Matrix} matrix the one that it is from
 * @param {Entry} entry
 */
export const named = ({ capture: { tokens } }, { queryStep, keyStep }, entry) => ({
  query: nameSpan(tokens, entry.query, queryStep),
  key: nameSpan(tokens, entry.key, keyStep),
});

/**
 * For a spreadsheet: positions, tokens, and the weight with all its digits.
 *
 * @param {Pattern} pattern
 * @param {Entry[]} rows
 */
export function tsv({ capture, longest }, rows) {
  // A token may hold what separates fields and lines.
  const text = (/** @type {number} */ index) => (capture.tokens[index]?.text ?? "").replaceAll(/[\t\r\n]/g, " ");
  const lines = rows.map(({ query, key, weight }) =>
    [query, text(query), key, text(key), weight * (longest ?? 1)].join("\t"),
  );
  return [
    `query_position\tquery\tkey_position\tkey\t${longest === undefined ? "weight" : "effect"}`,
    ...lines,
    "",
  ].join("\n");
}
