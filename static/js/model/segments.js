/** @import {Capture, Look, Span, State} from "../types.js" */

/**
 * The windows that show one sentence of a pair looking at another, by the name of their button; none for one sentence.
 *
 * @param {Capture} capture
 * @returns {Record<string, Pick<Look, "rows" | "columns">>}
 */
export function segmentWindows({ tokens, queries }) {
  const second = tokens.findIndex((token) => token.segment === 1);
  if (second <= 0) return {};
  /** @type {Record<string, Span>} */
  const spans = { A: [0, second], B: [second, queries] };
  /** @type {Record<string, Pick<Look, "rows" | "columns">>} */
  const windows = { all: { rows: null, columns: null } };
  for (const [from, rows] of Object.entries(spans)) {
    for (const [to, columns] of Object.entries(spans)) windows[`${from} to ${to}`] = { rows, columns };
  }
  return windows;
}

/**
 * The name of the segment window that is shown; undefined for any other.
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
