import { cellOf, coverOf, isMasked, largest, sharpest } from "./matrix.js";

/** @import {Cell, Matrix, Pattern, Span, Token} from "../types.js" */

/** Plotly reads tags and entities in its labels: `<s>` would vanish. @param {string} text */
export const escapeLabel = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** First-strong isolate: a right-to-left token must not turn the words around it. @param {string} text */
export const isolate = (text) => `\u2068${text}\u2069`;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * At most `most` characters as people count them, so that no emoji is cut in two.
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

/** A weight under this one is written as "< 0.001". */
export const FAINT = 0.001;

/**
 * A weight with three decimals. One too small for them says so, and only what is exactly zero reads as 0: a key that
 * may not be looked at has no weight at all, which `sentence` says in words.
 *
 * @param {number} value
 */
export function weight(value) {
  if (value === 0) return "0";
  return value < FAINT ? `< ${FAINT}` : value.toFixed(3);
}

/** Of a vector: three digits, as effects are of any size. @param {number} value */
export const length = (value) => (value === 0 ? "0" : value.toPrecision(3));

/** What is in a picture, a weight or an effect. @param {Pick<Pattern, "longest">} pattern @param {number} value */
export const amount = ({ longest }, value) => (longest === undefined ? weight(value) : length(value * longest));

/** The same rule in whole percent. @param {number} share of one */
export function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  return `${Math.round(share * 100)} %`;
}

/** As downloads are told: a million bytes each. @param {number} bytes */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 9.95e6 ? 1 : 0)} MB`;

/** @param {{layer: number, head: number}} place */
export const nameOf = ({ layer, head }) => `layer ${layer}, head ${head}`;

/**
 * @param {number} count
 * @param {string} noun
 */
export const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** @param {number} milliseconds */
export function seconds(milliseconds) {
  if (milliseconds < 95) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 9950 ? 1 : 0)} s`;
}

/**
 * The tokens a cell covers, in quotes: one token, or first and last of several.
 *
 * @param {Token[]} tokens
 * @param {number} start
 * @param {number} step
 */
export function nameSpan(tokens, start, step) {
  const last = Math.min(start + step, tokens.length) - 1;
  const first = quote(tokens[start]?.text ?? "");
  return last > start ? `${first} to ${quote(tokens[last]?.text ?? "")}` : first;
}

/**
 * Tokens by their positions, as people count what is in between.
 *
 * @param {Span} span
 */
export const positions = ([from, to]) => (to - from === 1 ? String(from) : `${from}\u2013${to - 1}`);

/** Of more tokens than this, many are alike: each is named with its position. */
const FEW = 40;

/** @param {Token[]} tokens @param {number} index */
const placed = (tokens, index) => `${quote(tokens[index]?.text ?? "")} (${index})`;

/**
 * What is known of one weight, in words. Where the matrix is pooled, that is the largest of the cell that covers it;
 * `exact`, the weights of that cell one by one, says where it is.
 *
 * @param {Pattern} pattern
 * @param {Cell} cell
 * @param {Matrix} [exact]
 */
export function sentence(pattern, cell, exact) {
  const { tokens, model } = pattern.capture;
  const matrix = sharpest(pattern, cell);
  const cover = coverOf(matrix, cell);
  const many = matrix.queryStep * matrix.keyStep > 1;
  const name = (/** @type {number} */ index) =>
    tokens.length > FEW ? placed(tokens, index) : quote(tokens[index]?.text ?? "");
  const [query, key] = many
    ? [`queries ${positions(cover.queries)}`, `keys ${positions(cover.keys)}`]
    : [name(cell.query), name(cell.key)];
  if (isMasked(matrix, model.causal, cover.row, cover.column))
    return `${query} may not attend to ${key}, which ${many ? "come" : "comes"} later`;
  const share = cellOf(matrix, cover.row, cover.column);
  if (pattern.longest !== undefined)
    return `${key} ${many ? "bring" : "brings"} ${query} ${many ? "at most " : ""}${length(share * pattern.longest)}`;
  const value = weight(share);
  if (!many) return `${query} attends to ${key}: ${value}`;
  const best = exact && largest(exact);
  const where = best ? ` at ${placed(tokens, best.query)} to ${placed(tokens, best.key)}` : "";
  return `${query}, ${key}: largest ${value}${where}`;
}
