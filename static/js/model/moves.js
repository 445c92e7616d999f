import { coverOf, sharpest } from "./matrix.js";
import { cellAt, frameOf, sightOf, windowsOf } from "./placement.js";
import { following, scaled, shifted } from "./zoom.js";

/** @import {Frame, Place, Sight} from "./placement.js" */
/** @import {Pattern, Span, State} from "../types.js" */

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

/** A key moves the window by this part of it. */
const STRIDE = 0.5;

/**
 * The place a key leads to; null for keys that do not walk.
 *
 * @param {string} key
 * @param {Place} from
 * @param {Pick<Sight, "down" | "across">} sight
 * @param {{control?: boolean, tall?: number, wide?: number}} [how] a cell may be several tokens tall and wide
 * @returns {Place | null}
 */
export function step(key, from, { down, across }, { control = false, tall = 1, wide = 1 } = {}) {
  const move = (control ? LEAPS : MOVES)[key];
  if (!move) return null;
  const within = (/** @type {number} */ value, /** @type {number} */ count) => Math.min(count - 1, Math.max(0, value));
  return {
    down: within(from.down + move[0] * tall, down.length),
    across: within(from.across + move[1] * wide, across.length),
  };
}

/**
 * The windows moved by a part of what is shown, as an arrow key points.
 *
 * @param {State} state
 * @param {string} key
 */
export function panned(state, key) {
  const move = MOVES[key];
  if (!state.pattern || !move?.every(Number.isFinite)) return null;
  const sight = sightOf(state.pattern, state);
  const frame = frameOf(sight, state);
  const along = (/** @type {"down" | "across"} */ side, /** @type {number} */ way) =>
    shifted(frame[side], way * STRIDE * (frame[side][1] - frame[side][0]), sight[side].length);
  return windowsOf(sight, { down: along("down", move[0]), across: along("across", move[1]) });
}

/**
 * The part of the picture that shows a weight: its place, or the pooled cell that covers it, as far as it is in sight.
 *
 * @param {Pattern} pattern
 * @param {Sight} sight
 * @param {Frame} frame
 * @param {Place} place
 * @returns {Frame}
 */
export function partOf(pattern, sight, frame, place) {
  const cell = cellAt(sight, place);
  const matrix = sharpest(pattern, cell);
  const cover = coverOf(matrix, cell);
  const [low, far] = sight.flipped ? [cover.keys, cover.queries] : [cover.queries, cover.keys];
  const seen = (/** @type {Span} */ part, /** @type {number} */ at, /** @type {Span} */ shown) => {
    // What is folded away has no place: only where nothing is, places are positions.
    const [from, to] = part[1] - part[0] > 1 ? part : [at, at + 1];
    return /** @type {Span} */ ([Math.max(from, shown[0]), Math.min(to, shown[1])]);
  };
  return { down: seen(low, place.down, frame.down), across: seen(far, place.across, frame.across) };
}

/**
 * The windows scaled about a place, or about the middle of what is shown.
 *
 * @param {State} state
 * @param {number} factor
 * @param {Place | null} [about]
 */
export function zoomed(state, factor, about) {
  if (!state.pattern) return {};
  const sight = sightOf(state.pattern, state);
  const { down, across } = frameOf(sight, state);
  const middle = (/** @type {Span} */ span) => (span[0] + span[1] - 1) / 2;
  return windowsOf(sight, {
    down: scaled(down, factor, about?.down ?? middle(down), sight.down.length),
    across: scaled(across, factor, about?.across ?? middle(across), sight.across.length),
  });
}

/** The windows moved just so far that they hold the place. @param {Sight} sight @param {State} state @param {Place} place */
function revealing(sight, state, place) {
  const { down, across } = frameOf(sight, state);
  return windowsOf(sight, { down: following(down, place.down), across: following(across, place.across) });
}

/**
 * What a key does in the picture: how it changes the window, and the place it leads to; null for keys that stay the
 * browser's, zooming the page among them.
 *
 * @param {{key: string, shiftKey: boolean, ctrlKey: boolean, metaKey: boolean}} event
 * @param {State} state
 * @param {Place | null} place the one that is read now
 * @returns {{patch: Partial<Pick<State, "rows" | "columns">>, to?: Place} | null}
 */
export function pressed({ key, shiftKey, ctrlKey, metaKey }, state, place) {
  const control = ctrlKey || metaKey;
  if (!state.pattern || (control && !LEAPS[key])) return null;
  const window = shiftKey && panned(state, key);
  if (window) return { patch: window };
  const to = walked(key, control, state, place);
  if (to) return { patch: revealing(sightOf(state.pattern, state), state, to), to };
  const factor = ZOOMS[key];
  if (factor) return { patch: zoomed(state, factor, place) };
  if (key === "0") return { patch: { rows: null, columns: null } };
  return key === "Escape" ? { patch: {} } : null;
}

/**
 * The place that a key leads to; the first arrow only enters the picture, at the top left of what is shown.
 *
 * @param {string} key
 * @param {boolean} control
 * @param {State} state
 * @param {Place | null} place
 */
function walked(key, control, state, place) {
  if (!state.pattern) return null;
  const sight = sightOf(state.pattern, state);
  const frame = frameOf(sight, state);
  const corner = { down: frame.down[0], across: frame.across[0] };
  const { down, across } = partOf(state.pattern, sight, frame, place ?? corner);
  const size = { tall: down[1] - down[0], wide: across[1] - across[0] };
  const to = step(key, place ?? corner, sight, { control, ...size });
  return to && !place && !control ? corner : to;
}
