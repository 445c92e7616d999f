import { quote, weight } from "./format.js";
import { cellOf, isMasked } from "./matrix.js";

/** @import {Pattern, Side, State} from "./types.js" */

/** So many tokens are named in words. */
const NAMED = 3;

/**
 * The token that the text shows: the one that is held, or else the one pointed at, here or in the picture.
 *
 * @param {Pick<State, "token" | "side" | "pointed">} state
 */
export const shownToken = ({ token, side, pointed }) => token ?? pointed[side];

/**
 * What one token gives to each (as the query), or gets from each (as the key); null where one may not look. Of a pooled
 * matrix, the maximum of the cell that covers both.
 *
 * @param {Pattern} pattern
 * @param {number} token
 * @param {Side} side
 * @returns {(number | null)[]}
 */
export function gaze({ capture, matrix }, token, side) {
  return capture.tokens.map(({ index }) => {
    const [query, key] = side === "query" ? [token, index] : [index, token];
    const [row, column] = [Math.floor(query / matrix.queryStep), Math.floor(key / matrix.keyStep)];
    return isMasked(matrix, capture.model.causal, row, column) ? null : cellOf(matrix, row, column);
  });
}

/**
 * The same in words, the strongest first.
 *
 * @param {Pattern} pattern
 * @param {number} token
 * @param {Side} side
 */
export function gazeWords(pattern, token, side) {
  const { tokens } = pattern.capture;
  const given = gaze(pattern, token, side).map((value, index) => ({ value: value ?? -1, index }));
  const best = given.filter(({ value }) => value > 0).sort((one, other) => other.value - one.value);
  const named = best.slice(0, NAMED).map(({ value, index }) => `${quote(tokens[index]?.text ?? "")} ${weight(value)}`);
  const verb = side === "query" ? "looks at" : "is looked at by";
  return `${quote(tokens[token]?.text ?? "")} ${verb} ${named.join(", ") || "nothing"}`;
}
