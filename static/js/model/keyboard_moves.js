import { cellAt, windowsOf } from "./axes.js";
import { coverOf, sharpest } from "./matrix.js";
import { following, shifted, zoomed } from "./zoom.js";

/** @import {Axes, CellPlace, Display, Frame, Geometry, ShownTokens, Span} from "../types.js" */

/** @typedef {Pick<Display, "rows" | "columns">} Windows */
/** @typedef {Pick<ShownTokens, "axes" | "frame">} AxesFrame */
/** @typedef {Pick<Geometry, "axes" | "frame" | "drawn">} Drawn */

/** Key -> steps down and across. @type {Record<string, [number, number]>} */
const STEPS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

/** With Ctrl: the first cell of all, and the last. @type {Record<string, [number, number]>} */
const CONTROL_STEPS = { Home: [-Infinity, -Infinity], End: [Infinity, Infinity] };

/** Key -> factor of the window's size. @type {Record<string, number>} */
const ZOOMS = { "+": 0.5, "=": 0.5, "-": 2, _: 2 };

/** Shift and an arrow key move the window by this part of its size. */
const PAN = 0.5;

/**
 * The place that a key leads to; null for keys that do not move the cursor.
 *
 * @param {string} key
 * @param {CellPlace} from
 * @param {Pick<Axes, "down" | "across">} axes
 * @param {{control?: boolean, height?: number, width?: number}} [options] height and width of a cell, in tokens
 * @returns {CellPlace | null}
 */
export function step(key, from, { down, across }, { control = false, height = 1, width = 1 } = {}) {
  const move = (control ? CONTROL_STEPS : STEPS)[key];
  if (!move) return null;
  const within = (/** @type {number} */ value, /** @type {number} */ count) => Math.min(count - 1, Math.max(0, value));
  return {
    down: within(from.down + move[0] * height, down.length),
    across: within(from.across + move[1] * width, across.length),
  };
}

/**
 * The windows moved by a part of their size in the direction of an arrow key; null for other keys.
 *
 * @param {AxesFrame} shown
 * @param {string} key
 * @returns {Windows | null}
 */
function panned({ axes, frame }, key) {
  const move = STEPS[key];
  if (!move?.every(Number.isFinite)) return null;
  const along = (/** @type {"down" | "across"} */ side, /** @type {number} */ direction) =>
    shifted(frame[side], direction * PAN * (frame[side][1] - frame[side][0]), axes[side].length);
  return windowsOf(axes, { down: along("down", move[0]), across: along("across", move[1]) });
}

/**
 * The part of the heatmap that shows the weight at a place: the place itself, or the pooled cell that covers it, clipped
 * to what is shown.
 *
 * @param {Drawn} geometry
 * @param {CellPlace} place
 * @returns {Frame}
 */
export function cellPart({ axes, frame, drawn }, place) {
  const cell = cellAt(axes, place);
  const cover = coverOf(sharpest(drawn, cell), cell);
  const [down, across] = axes.flipped ? [cover.keys, cover.queries] : [cover.queries, cover.keys];
  const clipped = (/** @type {Span} */ part, /** @type {number} */ at, /** @type {Span} */ shown) => {
    // Pooled heatmaps are never folded: there, places are positions.
    const [from, to] = part[1] - part[0] > 1 ? part : [at, at + 1];
    return /** @type {Span} */ ([Math.max(from, shown[0]), Math.min(to, shown[1])]);
  };
  return { down: clipped(down, place.down, frame.down), across: clipped(across, place.across, frame.across) };
}

/** The windows moved just far enough to contain the place. @param {AxesFrame} shown @param {CellPlace} place */
function revealing({ axes, frame: { down, across } }, place) {
  return windowsOf(axes, { down: following(down, place.down), across: following(across, place.across) });
}

/**
 * What a key does in the heatmap: how it changes the windows, and the place it leads to. Null for keys that are left to
 * the browser, such as those that zoom the page.
 *
 * @param {{key: string, shiftKey: boolean, ctrlKey: boolean, metaKey: boolean}} event
 * @param {Drawn | null} geometry
 * @param {CellPlace | null} place the cursor
 * @returns {{patch: Partial<Windows>, to?: CellPlace} | null}
 */
export function pressed({ key, shiftKey, ctrlKey, metaKey }, geometry, place) {
  const control = ctrlKey || metaKey;
  if (!geometry || (control && !CONTROL_STEPS[key])) return null;
  const windows = shiftKey && panned(geometry, key);
  if (windows) return { patch: windows };
  const to = placeAfter(key, control, geometry, place);
  if (to) return { patch: revealing(geometry, to), to };
  const factor = ZOOMS[key];
  if (factor) return { patch: zoomed(geometry, factor, place) };
  if (key === "0") return { patch: { rows: null, columns: null } };
  return key === "Escape" ? { patch: {} } : null;
}

/**
 * The place that a key leads to. Without a cursor, an arrow key puts it at the top left of what is shown.
 *
 * @param {string} key
 * @param {boolean} control
 * @param {Drawn} geometry
 * @param {CellPlace | null} place
 */
function placeAfter(key, control, geometry, place) {
  const { axes, frame } = geometry;
  const corner = { down: frame.down[0], across: frame.across[0] };
  const { down, across } = cellPart(geometry, place ?? corner);
  const cell = { height: down[1] - down[0], width: across[1] - across[0] };
  const to = step(key, place ?? corner, axes, { control, ...cell });
  return to && !place && !control ? corner : to;
}
