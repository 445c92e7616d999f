import { nounOf, spanName } from "./format.js";
import { cellOf, coverOf, isMasked } from "./matrix.js";
import { tokensOf } from "./stack.js";

/** @import {Cell, Display, Matrix, Pattern, ShownTokens, Side, Span} from "../types.js" */

/** @typedef {"query" | "key" | "weight"} Column */
/** @typedef {Cell & {weight: number}} Entry one row of the table; the cell is named by the first tokens that it covers */

/**
 * Every weight that the heatmap shows, unsorted, in the order query, key. A masked cell has no weight, and no entry.
 *
 * @param {Pick<ShownTokens, "pattern" | "axes" | "frame">} shown
 * @param {Pick<Display, "rows" | "columns">} window
 * @returns {Entry[]}
 */
export function entries({ pattern, axes, frame }, window) {
  const [down, across] = [axes.down.slice(...frame.down), axes.across.slice(...frame.across)];
  const [rows, columns] = axes.flipped ? [across, down] : [down, across];
  const matrix = shownMatrix(pattern, window);
  const queries = firstTokens(rows, matrix.queries, matrix.queryStep);
  const keys = firstTokens(columns, matrix.keys, matrix.keyStep);
  return queries.flatMap((query) =>
    keys.flatMap((key) => {
      const { row, column } = coverOf(matrix, { query, key });
      const masked = isMasked(matrix, pattern.capture.model.causal, row, column);
      return masked ? [] : [{ query, key, weight: cellOf(matrix, row, column) }];
    }),
  );
}

/**
 * The matrix that the weights of a window are read from: the detail where it holds the window, else the whole text's.
 *
 * @param {Pattern} pattern
 * @param {Pick<Display, "rows" | "columns">} window
 */
export function shownMatrix({ capture, matrix, detail }, { rows, columns }) {
  const within = (/** @type {Span} */ [from, to], /** @type {Span} */ held) => held[0] <= from && held[1] >= to;
  const held =
    detail && within(rows ?? [0, capture.queries], detail.queries) && within(columns ?? [0, capture.keys], detail.keys);
  return held ? detail : matrix;
}

/**
 * The first token of each cell that covers some of the tokens.
 *
 * @param {number[]} tokens
 * @param {Span} span of the matrix
 * @param {number} step
 */
const firstTokens = (tokens, [from], step) => [
  ...new Set(tokens.map((token) => from + Math.floor((token - from) / step) * step)),
];

/**
 * Numbers with the order of the weights. The bits of 32-bit floats that are not negative have the same order as the floats;
 * those of negative floats, such as a bias, have the opposite order.
 *
 * @param {Entry[]} rows
 */
function weightBits(rows) {
  const bits = new Uint32Array(Float32Array.from(rows, ({ weight }) => weight).buffer);
  return bits.map((each) => (each >>> 31 ? ~each : each | (1 << 31)));
}

/**
 * Sorted by one column; equal values keep their order. Comparing each pair of 130,000 rows in JavaScript takes seconds.
 * Here each row becomes one number, made of the column's value and the row's index, and an array of numbers sorts fast.
 *
 * @param {Entry[]} rows in the order query, key
 * @param {Column} column
 * @param {boolean} ascending
 */
export function sorted(rows, column, ascending) {
  const bits = column === "weight" ? weightBits(rows) : rows.map((row) => row[column]);
  const keys = Float64Array.from(bits, (value, at) => (ascending ? value : 2 ** 32 - 1 - value) * rows.length + at);
  return Array.from(keys.sort(), (key) => /** @type {Entry} */ (rows[key % rows.length]));
}

/**
 * The tokens of an entry, with their positions.
 *
 * @param {Pattern} pattern
 * @param {Matrix} matrix the one that it is from
 * @param {Entry} entry
 */
export const entryNames = ({ capture }, { queryStep, keyStep }, entry) => ({
  query: spanName(tokensOf(capture, "query"), entry.query, queryStep),
  key: spanName(capture.tokens, entry.key, keyStep),
});

/**
 * Tab-separated values for a spreadsheet: positions, tokens, and the weight with all its digits.
 *
 * @param {Pattern} pattern
 * @param {Entry[]} rows
 */
export function tsv(pattern, rows) {
  const { capture, longest } = pattern;
  // A token may contain the separators of fields and lines.
  const text = (/** @type {Side} */ side, /** @type {number} */ index) =>
    (tokensOf(capture, side)[index]?.text ?? "").replaceAll(/[\t\r\n]/g, " ");
  const lines = rows.map(({ query, key, weight }) =>
    [query, text("query", query), key, text("key", key), weight * (longest ?? 1)].join("\t"),
  );
  return [
    `query_position\tquery\tkey_position\tkey\t${longest === undefined ? "weight" : nounOf(pattern)}`,
    ...lines,
    "",
  ].join("\n");
}
