/** @import {Capture, State} from "../types.js" */

/** @typedef {Pick<Capture, "id" | "stack">} Captured */

/** @typedef {Partial<Pick<State, "words" | "show">>} HeatmapKind which heatmap of a head */

export const CAPTURES = "/api/v1/captures";

/** @type {HeatmapKind} */
export const WEIGHTS = { words: false, show: "weights" };

/** @param {Captured} capture @param {string} part @param {string} [query] parameters, each with "&" at its end */
function pathOf({ id, stack }, part, query = "") {
  return `${CAPTURES}/${encodeURIComponent(id)}/${part}?${stack ? `stack=${stack}&` : ""}${query}`;
}

/** The address of a part of a capture. @param {Captured} capture @param {string} part with its parameters */
export function partPath(capture, part) {
  const [name = "", query = ""] = part.split("?");
  return pathOf(capture, name, query).replace(/[?&]$/, "");
}

/**
 * The address of one head's numbers, or of all heads of its layer together. More parameters can be appended.
 *
 * @param {Captured} capture
 * @param {number} layer
 * @param {number} head
 * @param {HeatmapKind} [kind]
 */
export function headPath(capture, layer, head, { words, show } = WEIGHTS) {
  if (show === "layer") return pathOf(capture, `norms/${layer}`);
  const quantity = { effect: "quantity=norm&", raw: "quantity=scores&", bias: "quantity=bias&", weights: "" }[
    show ?? "weights"
  ];
  return pathOf(capture, `heads/${layer}/${head}`, `${quantity}${words ? "words=true&" : ""}`);
}
