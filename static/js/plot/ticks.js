import { clip, escapeLabel, isolate } from "../model/format.js";
import { niceStep } from "../model/plot_area.js";

/** @import {Span, Token} from "../types.js" */

/**
 * @typedef {object} LabelSpace the space for labels on one axis
 * @property {number} pixels length of the axis
 * @property {number} line pixels that one label needs along the axis
 * @property {number} letters the maximum length of a label, in characters
 */

/**
 * The label of one token; where only some tokens have labels, with its position.
 *
 * @param {Token} token
 * @param {number} step
 * @param {number} letters
 */
function label(token, step, letters) {
  const text = isolate(clip(token.text, letters));
  return step === 1 ? text : `${token.index} ${text}`;
}

/**
 * The places of an axis that get a label: all of them where they fit, else every second, fifth, tenth ... A label for
 * every token would take Plotly half a minute at 1,024 tokens.
 *
 * @param {Token[]} tokens
 * @param {Span} span
 * @param {LabelSpace} space
 */
export function labelled(tokens, span, space) {
  const step = niceStep((space.line * (span[1] - span[0])) / Math.max(1, space.pixels));
  const first = Math.ceil(span[0] / step) * step;
  const count = Math.max(0, Math.ceil((span[1] - first) / step));
  const positions = Array.from({ length: count }, (_, at) => first + at * step);
  return {
    step,
    positions,
    labels: positions.flatMap((place) => tokens[place] ?? []).map((token) => label(token, step, space.letters)),
  };
}

/**
 * @param {Token[]} tokens
 * @param {Span} span
 * @param {LabelSpace} space
 */
export function plotlyTicks(tokens, span, space) {
  const { positions, labels } = labelled(tokens, span, space);
  return { tickmode: "array", tickvals: positions, ticktext: labels.map(escapeLabel) };
}
