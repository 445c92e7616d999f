import { clip, escapeLabel, isolate } from "../model/format.js";

/** @import {Span, Token} from "../types.js" */

/**
 * @typedef {object} Room what one axis offers its labels
 * @property {number} pixels length of the axis
 * @property {number} line pixels one label needs across its reading direction
 * @property {number} letters a label is cut to so many characters
 */

/**
 * The smallest of 1, 2, 5, 10, 20, 50 ... that is not under `least`.
 *
 * @param {number} least
 */
export function niceStep(least) {
  if (least <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= least) ?? 10;
  return factor * power;
}

/**
 * The label of one token; where only some tokens are labelled, the position comes with it.
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
 * The places that get a label on an axis of `tokens` showing `span`: all of them where they fit, else every second, fifth, tenth ...
 * A label per token would take Plotly half a minute at 1,024 tokens.
 *
 * @param {Token[]} tokens
 * @param {Span} span
 * @param {Room} room
 */
export function labelled(tokens, span, room) {
  const step = niceStep((room.line * (span[1] - span[0])) / Math.max(1, room.pixels));
  const first = Math.ceil(span[0] / step) * step;
  const count = Math.max(0, Math.ceil((span[1] - first) / step));
  const positions = Array.from({ length: count }, (_, at) => first + at * step);
  return {
    step,
    positions,
    labels: positions.flatMap((place) => tokens[place] ?? []).map((token) => label(token, step, room.letters)),
  };
}

/**
 * @param {Token[]} tokens
 * @param {Span} span
 * @param {Room} room
 */
export function plotlyTicks(tokens, span, room) {
  const { positions, labels } = labelled(tokens, span, room);
  return { tickmode: "array", tickvals: positions, ticktext: labels.map(escapeLabel) };
}
