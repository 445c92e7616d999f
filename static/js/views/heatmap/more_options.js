import { need } from "../../ui/dom.js";
import { mountBias } from "./bias_button.js";
import { mountSegments } from "./segments.js";

/** @import {Actions, Store} from "../../types.js" */

/**
 * Options of the heatmap that few captures have: the windows of a pair of sentences, and the bias.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountMoreOptions(root, store, actions) {
  const undos = [mountSegments(need(root, ".segments"), store, actions), mountBias(need(root, ".quantity"), store)];
  return () => {
    for (const undo of undos) undo();
  };
}
