// Messages about parts of a link that do not fit the model. Few links have them.

import { ApiError } from "../api/error.js";
import { hasHead, headCounts, whyNone } from "../model/heads.js";

/** @import {Capture, Show, State} from "../types.js" */

/**
 * What a link asks for and the model does not have, removed from the state: a stack, or the text of a decoder. Null if the
 * error is another one.
 *
 * @param {unknown} error
 * @param {State} state
 * @returns {Partial<State> | null}
 */
export function withoutUnknown(error, { model, stack, target, notice }) {
  const code = error instanceof ApiError ? error.code : "";
  const ignored = (/** @type {string} */ what) =>
    [notice, `Ignored part of the link: ${what}: ${model} has no decoder over an encoder`].filter(Boolean).join(". ");
  if (code === "unknown_stack" && stack) return { stack: "", notice: ignored(`stack=${stack}`) };
  if (code === "target_not_supported" && target) return { target: "", notice: ignored("target") };
  return null;
}

/**
 * The notice about a head that the model does not have; null for a head that it has.
 *
 * @param {Capture} capture
 * @param {number} layer
 * @param {number} head
 */
export function missing({ model, layers, heads, stack }, layer, head) {
  const instead = "Another head is shown.";
  const owner = stack ? `${stack} of ${model.id}` : model.id;
  if (layer >= layers) return `There is no layer ${layer}: ${owner} has layers 0 to ${layers - 1}. ${instead}`;
  if (head >= heads) return `There is no head ${head}: ${owner} has heads 0 to ${heads - 1}. ${instead}`;
  const why = whyNone(model, layer);
  if (why) return `L${why.slice(1)}. ${instead}`;
  if (hasHead(model, { layer, head })) return null;
  const [count = 0] = headCounts(model, { layers, heads }).slice(layer);
  return `There is no head ${head} in layer ${layer}: it has heads 0 to ${count - 1}. ${instead}`;
}

/** Why weights are shown instead of effects or a bias. @param {Capture} capture @param {Show} show */
export function notShown({ model, stack }, show) {
  if (show !== "bias")
    return `Effects are not available: the projections of ${model.id} are not known. Weights are shown.`;
  return `There is no bias in this layer of ${stack ? `${stack} of ${model.id}` : model.id}. Weights are shown.`;
}
