import { cellOf, coverOf, isMasked, largest, sharpest } from "./matrix.js";
import { tokensOf } from "./stack.js";

/** @import {Cell, Matrix, Pattern, Span, Token} from "../types.js" */

/** Plotly interprets tags and entities in its labels: `<s>` would disappear. @param {string} text */
export const escapeLabel = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** First-strong isolate: a right-to-left token must not reorder the text around it. @param {string} text */
export const isolate = (text) => `\u2068${text}\u2069`;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * At most `most` grapheme clusters: no emoji is cut in two.
 *
 * @param {string} text
 * @param {number} most
 */
export function clip(text, most) {
  if (text.length <= most) return text;
  const parts = [...graphemes.segment(text)];
  if (parts.length <= most) return text;
  const kept = parts.slice(0, most - 1).map((part) => part.segment);
  return `${kept.join("")}…`;
}

/** @param {string} text */
export const quote = (text) => `"${isolate(text)}"`;

/** A token with its position, as tokens repeat: "the"(4). @param {Token[]} tokens @param {number} index */
export const tokenName = (tokens, index) => `${quote(tokens[index]?.text ?? "")}(${index})`;

/** A smaller weight is written as "< 0.001". */
export const FAINT = 0.001;

/**
 * A weight with three decimals. A smaller weight is written as "< 0.001", and only a weight of exactly zero as 0. (A
 * masked cell has no weight: `cellSentence` says so in words.)
 *
 * @param {number} value
 */
export function weight(value) {
  if (value === 0) return "0";
  return value < FAINT ? `< ${FAINT}` : value.toFixed(3);
}

/** Length of a vector, with three digits: effects are of any size. @param {number} value */
export const length = (value) => (value === 0 ? "0" : value.toPrecision(3));

/** What the heatmap shows, if not weights. @param {Pick<Pattern, "show">} pattern */
export const nounOf = ({ show }) => (show === "raw" ? "raw score" : show === "bias" ? "bias" : "effect");

/** True for values that may be below 0. @param {Pick<Pattern, "show">} pattern */
export const isSigned = ({ show }) => show === "raw" || show === "bias";

/** Effects below this part of the largest are rounding errors. */
const NO_EFFECT = 1e-6;

/** A value of the heatmap: a weight, an effect, a raw score, or a bias. @param {Pick<Pattern, "longest">} pattern @param {number} value */
export const amount = ({ longest }, value) =>
  longest === undefined ? weight(value) : length(Math.abs(value) < NO_EFFECT ? 0 : value * longest);

/** Whole percent, with the same rule for small values. @param {number} share of one */
export function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  return `${Math.round(share * 100)} %`;
}

/** Megabytes of a million bytes, as download sizes are given. @param {number} bytes */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 9.95e6 ? 1 : 0)} MB`;

/** @param {{layer: number, head: number}} place */
export const headName = ({ layer, head }) => `layer ${layer}, head ${head}`;

/** Where there is little space: L3 H5. @param {{layer: number, head: number}} place */
export const shortHeadName = ({ layer, head }) => `L${layer} H${head}`;

/** A number with separators, as in the messages of the server. @param {number} count */
export const counted = (count) => count.toLocaleString("en");

/**
 * @param {number} count
 * @param {string} noun
 */
export const plural = (count, noun) => `${counted(count)} ${noun}${count === 1 ? "" : "s"}`;

/** @param {number} milliseconds */
export function seconds(milliseconds) {
  if (milliseconds < 95) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 9950 ? 1 : 0)} s`;
}

/**
 * The tokens that a cell covers: one token, or the first and the last of several.
 *
 * @param {Token[]} tokens
 * @param {number} start
 * @param {number} step
 */
export function spanName(tokens, start, step) {
  const last = Math.min(start + step, tokens.length) - 1;
  return last > start ? `${tokenName(tokens, start)} to ${tokenName(tokens, last)}` : tokenName(tokens, start);
}

/**
 * The positions of a span, with the last position instead of the end.
 *
 * @param {Span} span
 */
export const positions = ([from, to]) => (to - from === 1 ? String(from) : `${from}\u2013${to - 1}`);

/**
 * One weight as a sentence. In a pooled matrix, that is the maximum of the cell that covers it; with `exact`, the
 * single weights of that cell, the sentence also says where the maximum is.
 *
 * @param {Pattern} pattern
 * @param {Cell} cell
 * @param {Matrix} [exact]
 */
export function cellSentence(pattern, cell, exact) {
  const { tokens, model } = pattern.capture;
  const queries = tokensOf(pattern.capture, "query");
  const matrix = sharpest(pattern, cell);
  const cover = coverOf(matrix, cell);
  const pooled = matrix.queryStep * matrix.keyStep > 1;
  const [query, key] = pooled
    ? [`queries ${positions(cover.queries)}`, `keys ${positions(cover.keys)}`]
    : [tokenName(queries, cell.query), tokenName(tokens, cell.key)];
  if (isMasked(matrix, model.causal, cover.row, cover.column))
    return `${query} may not attend to ${key}, which ${pooled ? "come" : "comes"} later`;
  const share = cellOf(matrix, cover.row, cover.column);
  if (pattern.longest !== undefined) {
    const effect = amount(pattern, share);
    const pair = isSigned(pattern) ? `${query} for ${key}` : `${key} on ${query}`;
    return `${nounOf(pattern)} of ${pair}: ${pooled ? "at most " : ""}${effect}`;
  }
  const value = weight(share);
  if (!pooled) return `${query} attends to ${key}: ${value}`;
  const best = exact && largest(exact);
  const where = best ? ` (${tokenName(queries, best.query)} → ${tokenName(tokens, best.key)})` : "";
  return `${query}, ${key}: largest weight ${value}${where}`;
}
