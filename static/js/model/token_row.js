import { amount, quote } from "./format.js";
import { cellOf, coverOf, isExact, isMasked } from "./matrix.js";

/** @import {Line, Matrix, Pattern, Side, Span, State, Window} from "../types.js" */

/** So many tokens are named in words. */
const NAMED = 3;

/**
 * The token that the text shows: the one that is held, or else the one pointed at, here or in the picture.
 *
 * @param {Pick<State, "token" | "side" | "hovered">} state
 */
export const shownToken = ({ token, side, hovered }) => token ?? hovered[side];

/**
 * What one token gives to another (as the query), or gets from it (as the key), by the other's position; null where one
 * may not look. Of a pooled matrix, the maximum of the cell that covers both, unless the token's line is there.
 *
 * @param {Pattern} pattern
 * @param {number} token
 * @param {Side} side
 * @param {Line | null} [line]
 * @returns {(other: number) => number | null}
 */
export function gaze({ capture, matrix }, token, side, line) {
  const source = isOf(line, matrix, token, side) ? line.matrix : matrix;
  return (other) => {
    const cell = side === "query" ? { query: token, key: other } : { query: other, key: token };
    const { row, column } = coverOf(source, cell);
    return isMasked(source, capture.model.causal, row, column) ? null : cellOf(source, row, column);
  };
}

/**
 * @param {Line | null | undefined} line
 * @param {Matrix} matrix
 * @param {number} token
 * @param {Side} side
 * @returns {line is Line}
 */
const isOf = (line, matrix, token, side) => line?.of === matrix && line.token === token && line.side === side;

/**
 * The part of the map that has to be fetched to say exactly what the text shows; null where it is there, or nothing is
 * shown.
 *
 * @param {Pick<State, "pattern" | "token" | "side" | "hovered" | "line">} state
 * @returns {{token: number, side: Side, window: Window} | null}
 */
export function wantedLine(state) {
  const { pattern, side, line } = state;
  const token = shownToken(state);
  if (!pattern || token === null || isExact(pattern.matrix)) return null;
  if (isOf(line, pattern.matrix, token, side)) return null;
  /** @type {Span[]} */
  const [one = [0, 0], all = [0, 0]] = [
    [token, token + 1],
    [0, pattern.capture.queries],
  ];
  return { token, side, window: side === "query" ? { rows: one, columns: all } : { rows: all, columns: one } };
}

/**
 * The same in words, the strongest first.
 *
 * @param {Pattern} pattern
 * @param {number} token
 * @param {Side} side
 * @param {Line | null} [line]
 */
export function gazeWords(pattern, token, side, line) {
  const { tokens } = pattern.capture;
  const weightOf = gaze(pattern, token, side, line);
  const given = tokens.map(({ index }) => ({ value: weightOf(index) ?? 0, index })).filter(({ value }) => value > 0);
  const best = given.sort((one, other) => other.value - one.value).slice(0, NAMED);
  const named = best.map(({ value, index }) => `${quote(tokens[index]?.text ?? "")} ${amount(pattern, value)}`);
  const verbs = pattern.longest === undefined ? ["looks at", "is looked at by"] : ["receives", "gives to"];
  const verb = verbs[side === "query" ? 0 : 1];
  return `${quote(tokens[token]?.text ?? "")} ${verb} ${named.join(", ") || "nothing"}`;
}
