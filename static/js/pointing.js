import { listening, need } from "./dom.js";
import { sentence } from "./format.js";
import { cellBox, cellUnder, plotArea } from "./plotarea.js";
import { cellAt, frameOf, sightOf, windowsOf } from "./sight.js";
import { hideTip, showTip } from "./tip.js";
import { following, scaled } from "./zoom.js";

/** @import {Place, Sight} from "./sight.js" */
/** @import {Actions, Pattern, Span, State, Store} from "./types.js" */

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

const NOTHING = { query: null, key: null };

/**
 * The place a key leads to; null for keys that do not walk.
 *
 * @param {string} key
 * @param {Place} from
 * @param {Pick<Sight, "down" | "across">} sight
 * @param {boolean} [control]
 * @returns {Place | null}
 */
export function step(key, from, { down, across }, control = false) {
  const move = (control ? LEAPS : MOVES)[key];
  if (!move) return null;
  const within = (/** @type {number} */ value, /** @type {number} */ count) => Math.min(count - 1, Math.max(0, value));
  return { down: within(from.down + move[0], down.length), across: within(from.across + move[1], across.length) };
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

/** @param {HTMLElement} stage @param {Pattern} pattern @param {Sight} sight */
export const areaOf = (stage, pattern, sight) =>
  plotArea(pattern.capture.tokens, { width: stage.clientWidth, height: stage.clientHeight }, sight.across.length);

/** @param {HTMLElement} mark @param {Record<"left" | "top" | "width" | "height", number>} box */
export function lay(mark, box) {
  mark.hidden = false;
  for (const side of /** @type {const} */ (["left", "top", "width", "height"])) mark.style[side] = `${box[side]}px`;
}

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
  /** @type {Place | null} */
  let place = null;

  function leave() {
    if (!place) return;
    place = null;
    frame.hidden = true;
    hideTip(tip);
    store.set({ pointed: NOTHING });
  }

  /** @param {Pattern} pattern @param {Place} to @param {{x: number, y: number}} [at] */
  function show(pattern, to, at) {
    const state = store.get();
    const sight = sightOf(pattern, state);
    const box = cellBox(areaOf(stage, pattern, sight), frameOf(sight, state), to);
    const cell = cellAt(sight, to);
    const moved = place?.down !== to.down || place.across !== to.across;
    place = to;
    lay(frame, box);
    showTip(tip, sentence(pattern, cell), at ?? { x: box.left + box.width / 2, y: box.top + box.height / 2 });
    if (moved) store.set({ pointed: cell });
  }

  /** @param {PointerEvent} event */
  function point(event) {
    const state = store.get();
    if (!state.pattern) return;
    const box = stage.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    const sight = sightOf(state.pattern, state);
    const under = cellUnder(areaOf(stage, state.pattern, sight), frameOf(sight, state), at);
    if (under) show(state.pattern, under, at);
    else leave();
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    const state = store.get();
    const control = event.ctrlKey || event.metaKey;
    // The browser's own keys, zooming the page among them, stay the browser's.
    if (!state.pattern || event.altKey || (control && !LEAPS[event.key])) return;
    const sight = sightOf(state.pattern, state);
    const { down, across } = frameOf(sight, state);
    const factor = ZOOMS[event.key];
    const corner = { down: down[0], across: across[0] };
    const to = step(event.key, place ?? corner, sight, control);
    // The first arrow only enters the picture, at the top left of what is shown.
    const at = to && !place && !control ? corner : to;
    if (at) actions.adjust(revealing(sight, state, at));
    else if (factor) actions.adjust(zoomed(state, factor, place));
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
  const drawn = /** @type {const} */ (["pattern", "fold", "flip"]);
  const unsubscribe = store.subscribe((now, before) => {
    if (drawn.some((name) => now[name] !== before[name])) leave();
  });
  return () => {
    unsubscribe();
    undo();
  };
}
