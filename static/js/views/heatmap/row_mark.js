import { placeOf } from "../../model/axes.js";
import { boxOf } from "../../model/plot_area.js";
import { placeAt } from "./plot_size.js";

/** @import {CellPlace, Frame, Geometry, State, Store} from "../../types.js" */

/**
 * The token whose row or column is marked: the pinned token, else one under the pointer in the token strip. A cell under
 * the pointer in the heatmap has a mark of its own.
 *
 * @param {Pick<State, "token" | "side" | "hovered">} state
 */
export function markedToken({ token, side, hovered }) {
  const isCell = hovered.query !== null && hovered.key !== null;
  return token ?? (isCell ? null : hovered[side]);
}

/**
 * The row or column of a place, as far as it is shown; null where it is outside the frame.
 *
 * @param {CellPlace} place one of its sides is -1
 * @param {Frame} frame
 * @returns {Frame | null}
 */
export function bandOf({ down, across }, frame) {
  if (down >= frame.down[0] && down < frame.down[1]) return { ...frame, down: [down, down + 1] };
  if (across >= frame.across[0] && across < frame.across[1]) return { ...frame, across: [across, across + 1] };
  return null;
}

/**
 * Marks in the heatmap the row or column of the token that the token strip shows.
 *
 * @param {HTMLElement} stage
 * @param {HTMLElement} mark
 * @param {Store} store
 * @param {() => Geometry | null} geometryNow
 * @returns {() => void} undo
 */
export function mountMarks(stage, mark, store, geometryNow) {
  function render() {
    const state = store.get();
    mark.hidden = true;
    const token = markedToken(state);
    if (token === null || !stage.clientWidth) return;
    const geometry = geometryNow();
    if (!geometry) return;
    const { axes, frame, area } = geometry;
    const band = bandOf(placeOf(axes, { query: null, key: null, [state.side]: token }), frame);
    if (band) placeAt(mark, boxOf(area, frame, band));
  }

  const resized = new ResizeObserver(render);
  resized.observe(stage);
  const unwatch = store.watch(["pattern", "token", "side", "hovered", "fold", "flip", "rows", "columns"], render);
  return () => {
    unwatch();
    resized.disconnect();
  };
}
