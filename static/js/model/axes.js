import { cellOf, isExact, isMasked, isSink } from "./matrix.js";
import { tokensOf } from "./stack.js";

/** @import {Axes, Cell, CellPlace, Display, Frame, Matrix, Pattern, ShownTokens, Span, Token} from "../types.js" */

/** @param {Token} token */
const indexOf = ({ index }) => index;

/**
 * The tokens that folding removes: from the keys the sink tokens, from the queries only the special tokens.
 *
 * @param {Pattern} pattern
 */
function foldedTokens({ capture }) {
  const isFolded = (/** @type {Token} */ token) => isSink(token, capture.model.causal);
  return {
    queries: tokensOf(capture, "query")
      .filter(({ special }) => special)
      .map(indexOf),
    keys: capture.tokens.filter(isFolded).map(indexOf),
  };
}

/**
 * False where there is nothing to fold, where nothing would be left, or where one cell covers several tokens.
 *
 * @param {Pattern} pattern
 */
export function isFoldable(pattern) {
  const { queries, keys } = foldedTokens(pattern);
  const { capture, matrix } = pattern;
  const leavesKeys = keys.length > 0 && keys.length < capture.tokens.length;
  return isExact(matrix) && leavesKeys && queries.length < tokensOf(capture, "query").length;
}

/**
 * The tokens along the two sides of the heatmap.
 *
 * @param {Pattern} pattern
 * @param {Pick<Display, "fold" | "flip">} display
 * @returns {Axes}
 */
export function axesOf(pattern, display) {
  const folded = display.fold && isFoldable(pattern) ? foldedTokens(pattern) : { queries: [], keys: [] };
  const without = (/** @type {Token[]} */ tokens, /** @type {number[]} */ hidden) => {
    const gone = new Set(hidden);
    return tokens.map(indexOf).filter((index) => !gone.has(index));
  };
  const queries = without(tokensOf(pattern.capture, "query"), folded.queries);
  const keys = without(pattern.capture.tokens, folded.keys);
  return display.flip
    ? { down: keys, across: queries, flipped: true }
    : { down: queries, across: keys, flipped: false };
}

/**
 * The places of the tokens of a window; all places where the window is null or all its tokens are folded.
 *
 * @param {number[]} positions
 * @param {Span | null} wanted
 * @returns {Span}
 */
function placesOf(positions, wanted) {
  const [from, to] = wanted ?? [0, Infinity];
  const first = positions.findIndex((index) => index >= from);
  const last = positions.findLastIndex((index) => index < to);
  return first < 0 || last < first ? [0, positions.length] : [first, last + 1];
}

/**
 * The part of the axes that is shown.
 *
 * @param {Axes} axes
 * @param {Pick<Display, "rows" | "columns">} display
 * @returns {Frame}
 */
export function frameOf({ down, across, flipped }, { rows, columns }) {
  return { down: placesOf(down, flipped ? columns : rows), across: placesOf(across, flipped ? rows : columns) };
}

/**
 * The axes of a heatmap and the part of them that is shown: all of the geometry that does not depend on pixels.
 *
 * @param {Pattern} pattern
 * @param {Display} display
 * @returns {ShownTokens}
 */
export function shownTokens(pattern, display) {
  const axes = axesOf(pattern, display);
  return { pattern, axes, frame: frameOf(axes, display), folded: display.fold && isFoldable(pattern) };
}

/**
 * The windows of tokens that a frame shows; null for a side that is shown whole.
 *
 * @param {Axes} axes
 * @param {{down: Span | null, across: Span | null}} frame
 * @returns {Pick<Display, "rows" | "columns">}
 */
export function windowsOf(axes, frame) {
  /** @param {number[]} positions @param {Span | null} span @returns {Span | null} */
  const tokens = (positions, span) => {
    if (!span || (span[0] === 0 && span[1] === positions.length)) return null;
    return [positions[span[0]] ?? 0, (positions[span[1] - 1] ?? 0) + 1];
  };
  const [down, across] = [tokens(axes.down, frame.down), tokens(axes.across, frame.across)];
  return axes.flipped ? { rows: across, columns: down } : { rows: down, columns: across };
}

/**
 * The query and the key at a place.
 *
 * @param {Axes} axes
 * @param {CellPlace} place
 * @returns {Cell}
 */
export function cellAt({ down, across, flipped }, place) {
  const [vertical, horizontal] = [down[place.down] ?? 0, across[place.across] ?? 0];
  return flipped ? { query: horizontal, key: vertical } : { query: vertical, key: horizontal };
}

/**
 * The place of a query and a key; -1 for a token that is folded, or null.
 *
 * @param {Axes} axes
 * @param {{query: number | null, key: number | null}} tokens
 * @returns {CellPlace}
 */
export function placeOf({ down, across, flipped }, { query, key }) {
  const at = (/** @type {number[]} */ positions, /** @type {number | null} */ token) =>
    token === null ? -1 : positions.indexOf(token);
  return flipped
    ? { down: at(down, key), across: at(across, query) }
    : { down: at(down, query), across: at(across, key) };
}

/**
 * The weights in the order of the axes, [down across]; null where the query may not attend to the key.
 *
 * @param {Pick<Pattern, "capture" | "matrix">} pattern
 * @param {Axes} axes
 */
export function weightsOf({ capture, matrix }, axes) {
  // Only an exact matrix of the whole text is folded: its rows and columns are tokens.
  const cells = (/** @type {number[]} */ positions, /** @type {number} */ count) =>
    positions.length < count ? positions : Array.from({ length: count }, (_, at) => at);
  const [height, width] = axes.flipped ? [matrix.columns, matrix.rows] : [matrix.rows, matrix.columns];
  const columns = cells(axes.across, width);
  return cells(axes.down, height).map((vertical) =>
    columns.map((horizontal) => {
      const [row, column] = axes.flipped ? [horizontal, vertical] : [vertical, horizontal];
      return isMasked(matrix, capture.model.causal, row, column) ? null : cellOf(matrix, row, column);
    }),
  );
}

/**
 * The first token of a matrix, and how many tokens a cell covers, for both sides of the heatmap.
 *
 * @param {Matrix} matrix
 * @param {Axes} axes
 */
export function cellGrid({ queries, keys, queryStep, keyStep }, { flipped }) {
  const [rows, columns] = [
    { from: queries[0], step: queryStep },
    { from: keys[0], step: keyStep },
  ];
  return flipped ? { down: columns, across: rows } : { down: rows, across: columns };
}

/**
 * For each query on the axes, the sum of its weights on the folded keys; empty where no key is folded.
 *
 * @param {Pattern} pattern
 * @param {Axes} axes
 */
export function foldedMass({ matrix }, { down, across, flipped }) {
  const [queries, keys] = flipped ? [across, down] : [down, across];
  if (!isExact(matrix) || keys.length === matrix.columns) return [];
  const shown = new Set(keys);
  const folded = Array.from({ length: matrix.columns }, (_, key) => key).filter((key) => !shown.has(key));
  return queries.map((query) => folded.reduce((sum, key) => sum + cellOf(matrix, query, key), 0));
}

/**
 * The labels of the folded keys, each once; null where nothing is folded.
 *
 * @param {Pattern} pattern
 * @param {Pick<Display, "fold">} display
 */
export function foldedNames(pattern, display) {
  if (!display.fold || !isFoldable(pattern)) return null;
  const keys = foldedTokens(pattern).keys.map((index) => pattern.capture.tokens[index]);
  return [...new Set(keys.map((token) => (token?.special ? token.text : "the first token")))];
}
