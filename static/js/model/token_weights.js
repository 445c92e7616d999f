import { amount, nounOf, tokenName } from "./format.js";
import { cellOf, coverOf, isExact, isMasked } from "./matrix.js";
import { tokensOf } from "./stack.js";

/** @import {Line, Matrix, Pattern, Side, Span, State, Window} from "../types.js" */

/** The sentence about a token names so many other tokens. */
const NAMED = 3;

/** @type {Record<"weights" | ReturnType<typeof nounOf>, Record<Side, string>>} */
const VERBS = {
  weights: { query: "attends to", key: "is attended to by" },
  "raw score": { query: "scores highest", key: "is scored highest by" },
  bias: { query: "has the largest bias for", key: "gets the largest bias from" },
  effect: { query: "receives from", key: "gives to" },
};

/**
 * The token that the token strip shows the weights of: the pinned token, else the one under the pointer.
 *
 * @param {Pick<State, "token" | "side" | "hovered">} state
 */
export const shownToken = ({ token, side, hovered }) => token ?? hovered[side];

/**
 * The weights of one token: as the query its row, as the key its column. The result takes the other token's position
 * and returns the weight; null where the cell is masked. In a pooled matrix, that is the maximum of the cell that covers
 * both tokens, unless the token's line is given.
 *
 * @param {Pattern} pattern
 * @param {number} token
 * @param {Side} side
 * @param {Line | null} [line]
 * @returns {(other: number) => number | null}
 */
export function tokenWeights({ capture, matrix }, token, side, line) {
  const source = isLineOf(line, matrix, token, side) ? line.matrix : matrix;
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
const isLineOf = (line, matrix, token, side) => line?.of === matrix && line.token === token && line.side === side;

/** @param {number} count @returns {Span} */
const whole = (count) => [0, count];

/**
 * The part of the heatmap that has to be fetched for the exact weights of the shown token; null where they are known, or
 * no token is shown.
 *
 * @param {Pick<State, "pattern" | "token" | "side" | "hovered" | "line">} state
 * @returns {{token: number, side: Side, window: Window} | null}
 */
export function wantedLine(state) {
  const { pattern, side, line } = state;
  const token = shownToken(state);
  if (!pattern || token === null || isExact(pattern.matrix)) return null;
  if (isLineOf(line, pattern.matrix, token, side)) return null;
  /** @type {Span} */
  const one = [token, token + 1];
  const { queries, keys } = pattern.capture;
  const window = side === "query" ? { rows: one, columns: whole(keys) } : { rows: whole(queries), columns: one };
  return { token, side, window };
}

/**
 * The largest weights of one token as a sentence.
 *
 * @param {Pattern} pattern
 * @param {number} token
 * @param {Side} side
 * @param {Line | null} [line]
 */
export function tokenSentence(pattern, token, side, line) {
  const own = tokensOf(pattern.capture, side);
  const others = tokensOf(pattern.capture, side === "query" ? "key" : "query");
  const weightOf = tokenWeights(pattern, token, side, line);
  const positive = others.map(({ index }) => ({ value: weightOf(index) ?? 0, index })).filter(({ value }) => value > 0);
  const largest = positive.sort((one, other) => other.value - one.value).slice(0, NAMED);
  const named = largest.map(({ value, index }) => `${tokenName(others, index)} ${amount(pattern, value)}`);
  const verb = VERBS[pattern.longest === undefined ? "weights" : nounOf(pattern)][side];
  return `${tokenName(own, token)} ${verb} ${named.join(", ") || "nothing"}`;
}
