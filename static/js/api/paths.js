/** @import {State} from "../types.js" */

/** @typedef {Partial<Pick<State, "words" | "show">>} HeatmapKind which heatmap of a head */

export const CAPTURES = "/api/v1/captures";

/** @type {HeatmapKind} */
export const WEIGHTS = { words: false, show: "weights" };

/** @param {string} id of a capture @param {string} part */
export const partPath = (id, part) => `${CAPTURES}/${encodeURIComponent(id)}/${part}`;

/**
 * The address of one head's numbers, or of all heads of its layer together. More parameters can be appended.
 *
 * @param {string} id of a capture
 * @param {number} layer
 * @param {number} head
 * @param {HeatmapKind} [kind]
 */
export function headPath(id, layer, head, { words, show } = WEIGHTS) {
  if (show === "layer") return partPath(id, `norms/${layer}?`);
  const quantity = show === "effect" ? "quantity=norm&" : "";
  return partPath(id, `heads/${layer}/${head}?${quantity}${words ? "words=true&" : ""}`);
}
