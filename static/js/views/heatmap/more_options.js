import { need } from "../../ui/dom.js";
import { mountScoreButtons } from "./score_buttons.js";
import { mountSegments } from "./segments.js";

/** @import {Actions, Store} from "../../types.js" */

/**
 * Options of the heatmap that few captures have: the windows of a pair of sentences, raw scores, and the bias.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountMoreOptions(root, store, actions) {
  const undos = [
    mountSegments(need(root, ".segments"), store, actions),
    mountScoreButtons(need(root, ".quantity"), store),
  ];
  return () => {
    for (const undo of undos) undo();
  };
}
