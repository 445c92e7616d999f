import { cellOf, isSink } from "./matrix.js";
import { isCross, tokensOf } from "./stack.js";

/** @import {Capture, Matrix, Token} from "../types.js" */

/**
 * Scores of one head, computed from its exact pattern. Definitions, names and counted queries are the server's
 * (app/analysis/formulas): a head's score is the mean over the queries that are counted.
 *
 * @typedef {object} Text
 * @property {Token[]} tokens
 * @property {boolean} causal
 *
 * @typedef {(matrix: Matrix, query: number, text: Text) => number | null} QueryScore null where the query is not counted
 */

/**
 * The weights of a query on the chosen tokens.
 *
 * @param {Matrix} matrix
 * @param {number} query
 * @param {Token[]} keys
 */
const sumOn = (matrix, query, keys) => keys.reduce((sum, { index }) => sum + cellOf(matrix, query, index), 0);

/** The tokens that a query may attend to. @param {Text} text @param {number} query */
const visible = ({ tokens, causal }, query) => (causal ? tokens.slice(0, query + 1) : tokens);

/** @type {QueryScore} A[i, i-1]; the first query has no previous token. */
const previous = (matrix, query) => (query > 0 ? cellOf(matrix, query, query - 1) : null);

/** @type {QueryScore} A[i, i+1]; the last query has no next token, and causal models do not see it. */
const next = (matrix, query, { tokens, causal }) =>
  !causal && query < tokens.length - 1 ? cellOf(matrix, query, query + 1) : null;

/** @type {QueryScore} A[i, i]. */
const self = (matrix, query) => cellOf(matrix, query, query);

/** @type {QueryScore} A[i, 0]; in a causal model the first query can attend to nothing else, and is not counted. */
const first = (matrix, query, { causal }) => (causal && query === 0 ? null : cellOf(matrix, query, 0));

/** @type {QueryScore} The sum on special tokens; counted where the query sees one. */
function delimiter(matrix, query, text) {
  const keys = visible(text, query).filter((token) => token.special);
  return keys.length ? sumOn(matrix, query, keys) : null;
}

/** @type {QueryScore} In bits, with 0 log 0 = 0. */
function entropy(matrix, query, text) {
  return visible(text, query).reduce((bits, { index }) => {
    const value = cellOf(matrix, query, index);
    return value > 0 ? bits - value * Math.log2(value) : bits;
  }, 0);
}

/** @type {QueryScore} The sum on the sink tokens; counted where the query sees another token. */
function sink(matrix, query, text) {
  const keys = visible(text, query);
  const sinks = keys.filter((token) => isSink(token, text.causal));
  return sinks.length < keys.length ? sumOn(matrix, query, sinks) : null;
}

const SCORES = { previous, next, self, first, delimiter, entropy, sink };

/** @typedef {keyof typeof SCORES} ScoreName */

/** Scores that compare positions within one text. @type {ScoreName[]} */
const WITHIN = ["previous", "next", "self"];

/**
 * @param {ScoreName} name
 * @param {Pick<Capture, "tokens" | "query_tokens" | "model">} capture
 * @param {Matrix} matrix exact, of the whole text, its rows and columns tokens
 * @returns {number | null} null where no query is counted
 */
export function headScore(name, capture, matrix) {
  if (isCross(capture) && WITHIN.includes(name)) return null;
  const text = { tokens: capture.tokens, causal: capture.model.causal === true };
  const counted = tokensOf(capture, "query").flatMap(({ index }) => SCORES[name](matrix, index, text) ?? []);
  return counted.length ? counted.reduce((sum, value) => sum + value, 0) / counted.length : null;
}
