import { cellOf, isMasked } from "./matrix.js";

/** @import {Pattern, Token} from "./types.js" */

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
  const parts = [...graphemes.segment(text)];
  if (parts.length <= most) return text;
  return `${parts
    .slice(0, most - 1)
    .map((part) => part.segment)
    .join("")}…`;
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

/** The same rule in whole percent. @param {number} share of one */
export function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  return `${Math.round(share * 100)} %`;
}

/** As downloads are told: a million bytes each. @param {number} bytes */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 9.95e6 ? 1 : 0)} MB`;

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
 * What is known of one cell, in words. The cell is named by tokens; where the matrix is pooled, so are they.
 *
 * @param {Pattern} pattern
 * @param {{query: number, key: number}} cell
 */
export function sentence({ capture, matrix }, cell) {
  const row = Math.floor(cell.query / matrix.queryStep);
  const column = Math.floor(cell.key / matrix.keyStep);
  const query = nameSpan(capture.tokens, row * matrix.queryStep, matrix.queryStep);
  const key = nameSpan(capture.tokens, column * matrix.keyStep, matrix.keyStep);
  if (isMasked(matrix, capture.model.causal, row, column))
    return `${query} may not attend to ${key}, which comes later`;
  return `${query} attends to ${key}: ${weight(cellOf(matrix, row, column))}`;
}
