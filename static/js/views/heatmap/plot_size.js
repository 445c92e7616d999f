/** @import {Size} from "../../types.js" */

/** @param {HTMLElement} stage @returns {Size} */
export const sizeOf = (stage) => ({
  width: stage.clientWidth,
  height: stage.clientHeight,
  density: Math.max(1, devicePixelRatio),
});

/** Shows an element at a rectangle of the stage. @param {HTMLElement} mark @param {Record<"left" | "top" | "width" | "height", number>} box */
export function placeAt(mark, box) {
  mark.hidden = false;
  for (const side of /** @type {const} */ (["left", "top", "width", "height"])) mark.style[side] = `${box[side]}px`;
}
