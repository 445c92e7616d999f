import { sentence } from "../../model/format.js";
import { coverOf, isExact, isMasked, sharpest } from "../../model/matrix.js";
import { partOf, pressed, zoomed } from "../../model/moves.js";
import { cellAt, frameOf, sightOf } from "../../model/placement.js";
import { fit } from "../../plot/downsample.js";
import { boxOf, cellUnder, plotArea } from "../../plot/plotarea.js";
import { listening, need } from "../../ui/dom.js";
import { hideTip, placeTip, showTip } from "../../ui/tooltip.js";

/** @import {Place, Sight} from "../../model/placement.js" */
/** @import {Actions, Cell, Matrix, Pattern, Store} from "../../types.js" */

const NOTHING = { query: null, key: null };

/** Milliseconds that the pointer rests on a cell before it is asked where in it the largest weight is. */
const REST = 120;

/** @param {HTMLElement} stage */
export const sizeOf = (stage) => ({
  width: stage.clientWidth,
  height: stage.clientHeight,
  density: Math.max(1, devicePixelRatio),
});

/** @param {HTMLElement} stage @param {Pattern} pattern @param {Sight} sight */
export const areaOf = (stage, pattern, sight) => plotArea(pattern.capture.tokens, sizeOf(stage), sight.across.length);

/** @param {HTMLElement} mark @param {Record<"left" | "top" | "width" | "height", number>} box */
export function lay(mark, box) {
  mark.hidden = false;
  for (const side of /** @type {const} */ (["left", "top", "width", "height"])) mark.style[side] = `${box[side]}px`;
}

/**
 * Asks, once the pointer rests on a pooled cell, for its weights one by one.
 *
 * @param {Actions} actions
 */
function createPeek(actions) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;
  let asked = 0;

  /** @param {Pattern} pattern @param {Cell} cell @param {(exact: Matrix) => void} told */
  async function look(pattern, cell, told) {
    const mine = asked;
    const { queries, keys } = coverOf(sharpest(pattern, cell), cell);
    try {
      const exact = await actions.fetchWeights("cell", { rows: queries, columns: keys });
      if (mine === asked) told(exact);
    } catch {
      // What is said already stays: it is true, if less exact.
    }
  }

  /** @param {Pattern} pattern @param {Cell} cell */
  function isPooled(pattern, cell) {
    const matrix = sharpest(pattern, cell);
    const { row, column } = coverOf(matrix, cell);
    return !isExact(matrix) && !isMasked(matrix, pattern.capture.model.causal, row, column);
  }

  function cancel() {
    asked += 1;
    clearTimeout(resting);
  }

  return {
    cancel,
    /** @param {Pattern} pattern @param {Cell} cell @param {(exact: Matrix) => void} told */
    ask(pattern, cell, told) {
      cancel();
      if (isPooled(pattern, cell)) resting = setTimeout(() => look(pattern, cell, told), REST);
    },
  };
}

/**
 * A finger is gone as soon as it has pointed: what it pointed at stays, until it points elsewhere or scrolls.
 *
 * @param {(target: EventTarget, event: string, handler: (event: any) => void) => void} on
 * @param {HTMLElement} stage
 * @param {() => void} leave
 */
function onLeaving(on, stage, leave) {
  on(stage, "pointerleave", ({ pointerType }) => pointerType === "touch" || leave());
  on(stage, "pointercancel", leave);
  on(document, "pointerdown", ({ target }) => (target instanceof Node && stage.contains(target)) || leave());
  on(stage, "blur", leave);
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
  const peek = createPeek(actions);
  /** @type {Place | null} */
  let place = null;
  /** What the tip was read off. @type {Pattern | null} */
  let read = null;

  function leave() {
    if (!place) return;
    place = null;
    peek.cancel();
    frame.hidden = true;
    hideTip(tip);
    store.set({ hovered: NOTHING });
  }

  /** @param {Pattern} pattern @param {Place} to @param {{x: number, y: number}} [at] */
  function show(pattern, to, at) {
    const state = store.get();
    const sight = sightOf(pattern, state);
    const shown = frameOf(sight, state);
    const drawn = fit(pattern, state, sizeOf(stage));
    const box = boxOf(areaOf(stage, pattern, sight), shown, partOf(drawn, sight, shown, to));
    const cell = cellAt(sight, to);
    const moved = place?.down !== to.down || place.across !== to.across;
    const point = at ?? { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    lay(frame, box);
    const same = read?.matrix === drawn.matrix && read.detail === drawn.detail;
    if (!moved && same) return placeTip(tip, point);
    [place, read] = [to, drawn];
    showTip(tip, sentence(drawn, cell), point);
    peek.ask(drawn, cell, (exact) => showTip(tip, sentence(drawn, cell, exact), point));
    if (moved) store.set({ hovered: cell });
  }

  /** @param {MouseEvent} event */
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
    // Keys walk from cell to cell as they are drawn.
    const drawn = state.pattern && fit(state.pattern, state, sizeOf(stage));
    const found = event.altKey ? null : pressed(event, { ...state, pattern: drawn }, place);
    if (!state.pattern || !found) return;
    event.preventDefault();
    actions.adjust(found.patch);
    if (found.to) show(state.pattern, found.to);
    else leave();
  }

  /** A plain turn of the wheel scrolls the page; with Ctrl, which a pinch on a touchpad also says, it zooms. */
  function turn(/** @type {WheelEvent} */ event) {
    if (!event.ctrlKey || !store.get().pattern) return;
    event.preventDefault();
    point(event);
    actions.adjust(zoomed(store.get(), event.deltaY > 0 ? 1.25 : 0.8, place));
    point(event);
  }

  on(stage, "wheel", turn);
  on(stage, "pointermove", point);
  on(stage, "pointerdown", point);
  on(stage, "keydown", press);
  onLeaving(on, stage, leave);
  const unsubscribe = store.subscribe((now, before) => {
    const other = now.pattern?.matrix !== before.pattern?.matrix;
    if (other || now.fold !== before.fold || now.flip !== before.flip) leave();
    // A closer look has come for what is pointed at.
    else if (place && now.pattern && now.pattern !== before.pattern) show(now.pattern, place);
  });
  return () => {
    unsubscribe();
    undo();
  };
}
