import { frameOf, placeOf, sightOf } from "../../model/placement.js";
import { cellBox } from "../../plot/plotarea.js";
import { areaOf, lay } from "./pointing.js";

/** @import {Frame, Place} from "../../model/placement.js" */
/** @import {State, Store} from "../../types.js" */

/**
 * The token whose row or column is marked: the one that is held, or else the one pointed at beside the picture. What is
 * pointed at in the picture is a cell, and has its own mark.
 *
 * @param {Pick<State, "token" | "side" | "hovered">} state
 */
export function markedToken({ token, side, hovered }) {
  const isCell = hovered.query !== null && hovered.key !== null;
  return token ?? (isCell ? null : hovered[side]);
}

/**
 * The row or column of a place as the places of its ends; null where it is out of the frame.
 *
 * @param {Place} place one of its sides -1
 * @param {Frame} frame
 */
export function bandOf(place, frame) {
  const isIn = (/** @type {"down" | "across"} */ side) => place[side] >= frame[side][0] && place[side] < frame[side][1];
  if (isIn("down"))
    return { from: { ...place, across: frame.across[0] }, to: { ...place, across: frame.across[1] - 1 } };
  if (isIn("across")) return { from: { ...place, down: frame.down[0] }, to: { ...place, down: frame.down[1] - 1 } };
  return null;
}

/**
 * Marks in the picture the row or column of the token that the text shows.
 *
 * @param {HTMLElement} stage
 * @param {HTMLElement} mark
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountMarks(stage, mark, store) {
  function render() {
    const state = store.get();
    mark.hidden = true;
    const token = markedToken(state);
    if (!state.pattern || token === null || !stage.clientWidth) return;
    const sight = sightOf(state.pattern, state);
    const frame = frameOf(sight, state);
    const place = placeOf(sight, { query: null, key: null, [state.side]: token });
    const band = bandOf(place, frame);
    if (!band) return;
    const area = areaOf(stage, state.pattern, sight);
    const [from, to] = [cellBox(area, frame, band.from), cellBox(area, frame, band.to)];
    lay(mark, { ...from, width: to.left + to.width - from.left, height: to.top + to.height - from.top });
  }

  const drawn = /** @type {const} */ (["pattern", "token", "side", "hovered", "fold", "flip", "rows", "columns"]);
  const resized = new ResizeObserver(render);
  resized.observe(stage);
  const unsubscribe = store.subscribe((now, before) => {
    if (drawn.some((name) => now[name] !== before[name])) render();
  });
  return () => {
    unsubscribe();
    resized.disconnect();
  };
}
