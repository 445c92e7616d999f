import { isCross } from "./stack.js";

/** @import {Capture, Display, Span, State} from "../types.js" */

/**
 * The windows of a pair of sentences, by the name of their button: "A to B" has the queries of the first sentence and
 * the keys of the second. Empty for one sentence.
 *
 * @param {Capture} capture
 * @returns {Record<string, Pick<Display, "rows" | "columns">>}
 */
export function segmentWindows(capture) {
  const { tokens, queries } = capture;
  const second = tokens.findIndex((token) => token.segment === 1);
  if (second <= 0 || isCross(capture)) return {};
  /** @type {Record<string, Span>} */
  const spans = { A: [0, second], B: [second, queries] };
  /** @type {Record<string, Pick<Display, "rows" | "columns">>} */
  const windows = { all: { rows: null, columns: null } };
  for (const [from, rows] of Object.entries(spans)) {
    for (const [to, columns] of Object.entries(spans)) windows[`${from} to ${to}`] = { rows, columns };
  }
  return windows;
}

/**
 * The name of the sentence window that is shown; undefined where another window is shown.
 *
 * @param {State} state
 */
export function segmentsShown(state) {
  const windows = state.pattern ? segmentWindows(state.pattern.capture) : {};
  const same = (/** @type {Span | null} */ one, /** @type {Span | null} */ other) => String(one) === String(other);
  return Object.keys(windows).find((name) => {
    const window = windows[name];
    return window && same(window.rows, state.rows) && same(window.columns, state.columns);
  });
}
