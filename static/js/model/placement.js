import { cellOf, isExact, isMasked, isRest, shares } from "./matrix.js";

/** @import {Cell, Look, Matrix, Pattern, Span, Token} from "../types.js" */

/**
 * How the cells of a head lie in the picture. A place along a side stands for a token, and is the token's position
 * unless tokens are folded away; down the side run the queries unless the picture is flipped.
 *
 * @typedef {object} Sight
 * @property {number[]} down positions of the tokens, from the top
 * @property {number[]} across positions of the tokens, from the left
 * @property {boolean} flipped true where keys run down
 *
 * @typedef {{down: number, across: number}} Place
 * @typedef {{down: Span, across: Span}} Frame
 */

/**
 * The tokens that folding takes away: as keys, those that heads rest on; as queries, those that no reader wrote.
 *
 * @param {Pattern} pattern
 */
function rests({ capture: { tokens, model } }) {
  const at = (/** @type {Token[]} */ some) => some.map((token) => token.index);
  return {
    queries: at(tokens.filter((token) => token.special)),
    keys: at(tokens.filter((token) => isRest(token, model.causal))),
  };
}

/**
 * False where there is nothing to fold, where nothing would be left, or where one cell covers several tokens.
 *
 * @param {Pattern} pattern
 */
export function isFoldable(pattern) {
  const { queries, keys } = rests(pattern);
  const left = (/** @type {number[]} */ away) => pattern.capture.tokens.length - away.length;
  return isExact(pattern.matrix) && keys.length > 0 && left(keys) > 0 && left(queries) > 0;
}

/**
 * @param {Pattern} pattern
 * @param {Pick<Look, "fold" | "flip">} look
 * @returns {Sight}
 */
export function sightOf(pattern, look) {
  const away = look.fold && isFoldable(pattern) ? rests(pattern) : { queries: [], keys: [] };
  const left = (/** @type {number[]} */ gone) => {
    const hidden = new Set(gone);
    const all = pattern.capture.tokens.map((token) => token.index);
    return hidden.size ? all.filter((index) => !hidden.has(index)) : all;
  };
  const [queries, keys] = [left(away.queries), left(away.keys)];
  return look.flip ? { down: keys, across: queries, flipped: true } : { down: queries, across: keys, flipped: false };
}

/**
 * The places of a window of tokens; all of them where none of its tokens is left.
 *
 * @param {number[]} positions
 * @param {Span | null} wanted
 * @returns {Span}
 */
function places(positions, wanted) {
  const [from, to] = wanted ?? [0, Infinity];
  const first = positions.findIndex((index) => index >= from);
  const last = positions.findLastIndex((index) => index < to);
  return first < 0 || last < first ? [0, positions.length] : [first, last + 1];
}

/**
 * What of the sight is on the screen.
 *
 * @param {Sight} sight
 * @param {Pick<Look, "rows" | "columns">} look
 * @returns {Frame}
 */
export function frameOf({ down, across, flipped }, { rows, columns }) {
  return { down: places(down, flipped ? columns : rows), across: places(across, flipped ? rows : columns) };
}

/**
 * The windows of tokens that a frame stands for; null for a side that is shown whole.
 *
 * @param {Sight} sight
 * @param {{down: Span | null, across: Span | null}} frame
 * @returns {Pick<Look, "rows" | "columns">}
 */
export function windowsOf(sight, frame) {
  /** @param {number[]} positions @param {Span | null} span @returns {Span | null} */
  const tokens = (positions, span) => {
    if (!span || (span[0] === 0 && span[1] === positions.length)) return null;
    return [positions[span[0]] ?? 0, (positions[span[1] - 1] ?? 0) + 1];
  };
  const [down, across] = [tokens(sight.down, frame.down), tokens(sight.across, frame.across)];
  return sight.flipped ? { rows: across, columns: down } : { rows: down, columns: across };
}

/**
 * The weight's tokens at a place.
 *
 * @param {Sight} sight
 * @param {Place} place
 * @returns {Cell}
 */
export function cellAt({ down, across, flipped }, place) {
  const [low, wide] = [down[place.down] ?? 0, across[place.across] ?? 0];
  return flipped ? { query: wide, key: low } : { query: low, key: wide };
}

/**
 * Where tokens are in the picture; -1 for one that is folded away, or for none.
 *
 * @param {Sight} sight
 * @param {{query: number | null, key: number | null}} tokens
 * @returns {Place}
 */
export function placeOf({ down, across, flipped }, { query, key }) {
  const at = (/** @type {number[]} */ positions, /** @type {number | null} */ token) =>
    token === null ? -1 : positions.indexOf(token);
  return flipped
    ? { down: at(down, key), across: at(across, query) }
    : { down: at(down, query), across: at(across, key) };
}

/**
 * The weights in the picture's order: [down across]; null where a query may not look.
 *
 * @param {Pick<Pattern, "capture" | "matrix">} pattern
 * @param {Sight} sight
 */
export function weightsOf({ capture, matrix }, sight) {
  // Only a whole, exact matrix is folded, whose rows and columns are tokens.
  const cells = (/** @type {number[]} */ positions, /** @type {number} */ count) =>
    positions.length < count ? positions : Array.from({ length: count }, (_, at) => at);
  const [tall, wide] = sight.flipped ? [matrix.columns, matrix.rows] : [matrix.rows, matrix.columns];
  const columns = cells(sight.across, wide);
  return cells(sight.down, tall).map((low) =>
    columns.map((far) => {
      const [row, column] = sight.flipped ? [far, low] : [low, far];
      return isMasked(matrix, capture.model.causal, row, column) ? null : cellOf(matrix, row, column);
    }),
  );
}

/**
 * Where a matrix begins, and how many tokens a cell covers, down and across.
 *
 * @param {Matrix} matrix
 * @param {Sight} sight
 */
export function layOf({ queries, keys, queryStep, keyStep }, { flipped }) {
  const [rows, columns] = [
    { from: queries[0], step: queryStep },
    { from: keys[0], step: keyStep },
  ];
  return flipped ? { down: columns, across: rows } : { down: rows, across: columns };
}

/**
 * What each query shown gives to the keys that are folded away, in the order of the picture; empty where none is.
 *
 * @param {Pattern} pattern
 * @param {Sight} sight
 */
export function hiddenMass({ matrix }, { down, across, flipped }) {
  const [queries, keys] = flipped ? [across, down] : [down, across];
  if (!isExact(matrix) || keys.length === matrix.columns) return [];
  const shown = new Set(keys);
  const away = Array.from({ length: matrix.columns }, (_, key) => key).filter((key) => !shown.has(key));
  return queries.map((query) => away.reduce((sum, key) => sum + cellOf(matrix, query, key), 0));
}

/**
 * What is folded away, and how much of the attention with it; null where nothing is.
 *
 * @param {Pattern} pattern
 * @param {Pick<Look, "fold">} look
 */
export function foldedShare(pattern, look) {
  if (!look.fold || !isFoldable(pattern)) return null;
  const found = shares(pattern.capture, pattern.matrix);
  const keys = rests(pattern).keys.map((index) => pattern.capture.tokens[index]);
  const names = keys.map((token) => (token?.special ? token.text : "the first token"));
  return { names: [...new Set(names)], share: found && (found.special ?? 0) + (found.first ?? 0) };
}
