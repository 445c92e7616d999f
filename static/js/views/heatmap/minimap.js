import { frameOf, sightOf, windowsOf } from "../../model/placement.js";
import { shifted } from "../../model/zoom.js";
import { paint } from "../../plot/thumbnail.js";
import { listening, need } from "../../ui/dom.js";
import { areaOf, lay } from "./pointing.js";

/** @import {Frame, Sight} from "../../model/placement.js" */
/** @import {Actions, Span, State, Store} from "../../types.js" */

/** Pixels: of the corner above the queries and beside the keys, it takes no more than this, and leaves an edge. */
const [LARGEST, EDGE] = [96, 8];

/** What of the picture is shown, in parts of the whole. @param {Sight} sight @param {Frame} frame */
export function partShown({ down, across }, frame) {
  const along = (/** @type {Span} */ [from, to], /** @type {number} */ count) => ({
    from: from / count,
    part: (to - from) / count,
  });
  return { down: along(frame.down, down.length), across: along(frame.across, across.length) };
}

/**
 * The windows moved so that their middle is at a place of the whole, as near as its ends allow.
 *
 * @param {State} state
 * @param {{down: number, across: number}} at parts of the whole, from 0 to 1
 */
export function centred(state, at) {
  if (!state.pattern) return {};
  const sight = sightOf(state.pattern, state);
  const frame = frameOf(sight, state);
  const moved = (/** @type {"down" | "across"} */ side) => {
    const [from, to] = frame[side];
    return shifted(frame[side], at[side] * sight[side].length - (from + to) / 2, sight[side].length);
  };
  return windowsOf(sight, { down: moved("down"), across: moved("across") });
}

/**
 * Where one is: the whole head, small, in the corner of the picture, and on it the window that is shown. It is there
 * while the window is not all, and can be dragged.
 *
 * @param {HTMLElement} stage
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountMinimap(stage, root, store, actions) {
  /** @type {HTMLCanvasElement} */
  const canvas = need(root, "canvas");
  const frame = need(root, ".window");
  const { on, undo } = listening();
  /** What the canvas shows. @type {unknown[]} */
  let painted = [];

  function render() {
    const state = store.get();
    const { pattern, overview } = state;
    const small = pattern && overview?.at(pattern.layer, pattern.head);
    root.hidden = !small || (!state.rows && !state.columns) || !stage.clientWidth;
    if (root.hidden || !pattern || !small) return;
    const sight = sightOf(pattern, state);
    const area = areaOf(stage, pattern, sight);
    const side = Math.min(LARGEST, area.left - 2 * EDGE, area.top - 2 * EDGE);
    Object.assign(root.style, { width: `${side}px`, height: `${side}px` });
    if (painted[0] !== small || painted[1] !== state.scale) {
      paint(canvas, small, state, side);
      painted = [small, state.scale];
    }
    canvas.classList.toggle("flipped", state.flip);
    const { down, across } = partShown(sight, frameOf(sight, state));
    const box = { left: across.from, top: down.from, width: across.part, height: down.part };
    lay(frame, { left: box.left * side, top: box.top * side, width: box.width * side, height: box.height * side });
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    if (!event.buttons) return;
    const box = root.getBoundingClientRect();
    const at = { down: (event.clientY - box.top) / box.height, across: (event.clientX - box.left) / box.width };
    actions.adjust(centred(store.get(), at));
  }

  on(root, "pointerdown", (event) => {
    root.setPointerCapture(event.pointerId);
    drag(event);
  });
  on(root, "pointermove", drag);
  // The picture around it reads its own cells off the pointer.
  for (const event of ["pointerdown", "pointermove"]) on(root, event, (happened) => happened.stopPropagation());
  const drawn = /** @type {const} */ (["pattern", "overview", "rows", "columns", "scale", "fold", "flip", "dark"]);
  const resized = new ResizeObserver(render);
  resized.observe(stage);
  render();
  const unsubscribe = store.subscribe((now, before) => {
    if (drawn.some((name) => now[name] !== before[name])) render();
  });
  return () => {
    unsubscribe();
    resized.disconnect();
    undo();
  };
}
