import { windowsOf } from "../../model/axes.js";
import { shifted } from "../../model/zoom.js";
import { paint } from "../../plot/thumbnail.js";
import { listening, need } from "../../ui/dom.js";
import { placeAt } from "./plot_size.js";

/** @import {Actions, Geometry, ShownTokens, Span, Store} from "../../types.js" */

/** Pixels: the maximum side, and the distance to the edges of the corner above the queries and beside the keys. */
const [LARGEST, EDGE] = [96, 8];

/** The window as fractions of the whole heatmap. @param {Pick<ShownTokens, "axes" | "frame">} shown */
export function windowFractions({ axes, frame }) {
  const along = (/** @type {Span} */ [from, to], /** @type {number} */ count) => ({
    from: from / count,
    part: (to - from) / count,
  });
  return { down: along(frame.down, axes.down.length), across: along(frame.across, axes.across.length) };
}

/**
 * The windows moved so that their middle is at a point of the whole heatmap, as near as its edges allow.
 *
 * @param {Pick<ShownTokens, "axes" | "frame">} shown
 * @param {{down: number, across: number}} at fractions of the whole, from 0 to 1
 */
export function windowsAround({ axes, frame }, at) {
  const moved = (/** @type {"down" | "across"} */ side) => {
    const [from, to] = frame[side];
    return shifted(frame[side], at[side] * axes[side].length - (from + to) / 2, axes[side].length);
  };
  return windowsOf(axes, { down: moved("down"), across: moved("across") });
}

/**
 * The whole heatmap as a thumbnail in the corner of the stage, with the window marked on it. It is visible while the
 * window is smaller than the heatmap; dragging on it moves the window.
 *
 * @param {HTMLElement} stage
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @param {() => Geometry | null} geometryNow
 * @returns {() => void} undo
 */
export function mountMinimap(stage, root, store, actions, geometryNow) {
  /** @type {HTMLCanvasElement} */
  const canvas = need(root, "canvas");
  const mark = need(root, ".window");
  const { on, undo } = listening();
  /** What the canvas shows. @type {unknown[]} */
  let painted = [];

  function render() {
    const state = store.get();
    const small = state.pattern && state.overview?.at(state.pattern.layer, state.pattern.head);
    root.hidden = !small || (!state.rows && !state.columns) || !stage.clientWidth;
    const geometry = root.hidden ? null : geometryNow();
    if (!geometry || !small) return;
    const side = Math.min(LARGEST, geometry.area.left - 2 * EDGE, geometry.area.top - 2 * EDGE);
    Object.assign(root.style, { width: `${side}px`, height: `${side}px` });
    if (painted[0] !== small || painted[1] !== state.scale) {
      paint(canvas, small, state, side);
      painted = [small, state.scale];
    }
    canvas.classList.toggle("flipped", state.flip);
    const { down, across } = windowFractions(geometry);
    placeAt(mark, {
      left: across.from * side,
      top: down.from * side,
      width: across.part * side,
      height: down.part * side,
    });
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    const geometry = event.buttons ? geometryNow() : null;
    if (!geometry) return;
    const box = root.getBoundingClientRect();
    const at = { down: (event.clientY - box.top) / box.height, across: (event.clientX - box.left) / box.width };
    actions.adjust(windowsAround(geometry, at));
  }

  on(root, "pointerdown", (event) => {
    root.setPointerCapture(event.pointerId);
    drag(event);
  });
  on(root, "pointermove", drag);
  // The stage must not read its cells from these events.
  for (const event of ["pointerdown", "pointermove"]) on(root, event, (happened) => happened.stopPropagation());
  const resized = new ResizeObserver(render);
  resized.observe(stage);
  render();
  const unwatch = store.watch(["pattern", "overview", "rows", "columns", "scale", "fold", "flip", "dark"], render);
  return () => {
    unwatch();
    resized.disconnect();
    undo();
  };
}
