import { listening, need } from "./dom.js";
import { sentence } from "./format.js";
import { cellBox, cellUnder, plotArea } from "./plotarea.js";
import { hideTip, showTip } from "./tip.js";
import { following, scaled, windowOf } from "./zoom.js";

/** @import {Actions, Capture, Cell, Pattern, State, Store} from "./types.js" */

/** @type {Record<string, [number, number]>} */
const MOVES = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

/** With Ctrl: the first cell of all, and the last. @type {Record<string, [number, number]>} */
const LEAPS = { Home: [-Infinity, -Infinity], End: [Infinity, Infinity] };

/** @type {Record<string, number>} */
const ZOOMS = { "+": 0.5, "=": 0.5, "-": 2, _: 2 };

/**
 * The cell a key leads to; null for keys that do not walk.
 *
 * @param {string} key
 * @param {Cell} from
 * @param {Capture} capture
 * @param {boolean} [control]
 * @returns {Cell | null}
 */
export function step(key, from, capture, control = false) {
  const move = (control ? LEAPS : MOVES)[key];
  if (!move) return null;
  const within = (/** @type {number} */ value, /** @type {number} */ count) => Math.min(count - 1, Math.max(0, value));
  return { query: within(from.query + move[0], capture.queries), key: within(from.key + move[1], capture.keys) };
}

/**
 * The window scaled about a cell, or about its own middle.
 *
 * @param {State} state
 * @param {number} factor
 * @param {Cell | null} [about]
 */
export function zoomed(state, factor, about) {
  if (!state.pattern) return {};
  const { queries, keys } = state.pattern.capture;
  const { rows, columns } = windowOf(state.pattern.capture, state);
  const middle = (/** @type {number[]} */ span) => ((span[0] ?? 0) + (span[1] ?? 0) - 1) / 2;
  return {
    rows: scaled(rows, factor, about?.query ?? middle(rows), queries),
    columns: scaled(columns, factor, about?.key ?? middle(columns), keys),
  };
}

/** @param {State} state @param {Cell} cell */
function revealing(state, cell) {
  return {
    rows: state.rows && following(state.rows, cell.query),
    columns: state.columns && following(state.columns, cell.key),
  };
}

/** @param {HTMLElement} stage @param {Pattern} pattern */
const areaOf = (stage, pattern) =>
  plotArea(pattern.capture.tokens, { width: stage.clientWidth, height: stage.clientHeight });

/**
 * Reading single cells off the big picture, by pointer and by keys. It goes by the page's own geometry rather than by
 * Plotly's hover: that one knows no keyboard, keeps a finger from scrolling the page, and reads tags in its labels.
 *
 * @param {HTMLElement} stage
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountPointing(stage, store, actions) {
  const [frame, tip] = [need(stage, ".cursor"), need(stage, ".tip")];
  const { on, undo } = listening();
  /** @type {Cell | null} */
  let cell = null;

  function leave() {
    cell = null;
    frame.hidden = true;
    hideTip(tip);
  }

  /** @param {Pattern} pattern @param {Cell} to @param {{x: number, y: number}} [at] */
  function show(pattern, to, at) {
    cell = to;
    const { rows, columns } = windowOf(pattern.capture, store.get());
    const box = cellBox(areaOf(stage, pattern), rows, columns, to);
    frame.hidden = false;
    for (const side of /** @type {const} */ (["left", "top", "width", "height"])) frame.style[side] = `${box[side]}px`;
    showTip(tip, sentence(pattern, to), at ?? { x: box.left + box.width / 2, y: box.top + box.height / 2 });
  }

  /** @param {PointerEvent} event */
  function point(event) {
    const { pattern } = store.get();
    if (!pattern) return;
    const box = stage.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    const { rows, columns } = windowOf(pattern.capture, store.get());
    const under = cellUnder(areaOf(stage, pattern), rows, columns, at);
    if (under) show(pattern, under, at);
    else leave();
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    const state = store.get();
    const control = event.ctrlKey || event.metaKey;
    // The browser's own keys, zooming the page among them, stay the browser's.
    if (!state.pattern || event.altKey || (control && !LEAPS[event.key])) return;
    const { rows, columns } = windowOf(state.pattern.capture, state);
    const factor = ZOOMS[event.key];
    const corner = { query: rows[0], key: columns[0] };
    const to = step(event.key, cell ?? corner, state.pattern.capture, control);
    // The first arrow only enters the picture, at the top left of what is shown.
    const at = to && !cell && !control ? corner : to;
    if (at) actions.adjust(revealing(state, at));
    else if (factor) actions.adjust(zoomed(state, factor, cell));
    else if (event.key === "0") actions.adjust({ rows: null, columns: null });
    else if (event.key !== "Escape") return;
    event.preventDefault();
    if (at) show(state.pattern, at);
    else leave();
  }

  on(stage, "pointermove", point);
  on(stage, "pointerdown", point);
  on(stage, "pointerleave", leave);
  on(stage, "blur", leave);
  on(stage, "keydown", press);
  const unsubscribe = store.subscribe((now, before) => {
    if (now.pattern !== before.pattern) leave();
  });
  return () => {
    unsubscribe();
    undo();
  };
}
