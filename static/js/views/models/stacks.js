import { loadStyleSheet } from "../../ui/style_sheet.js";
import { mountTarget } from "../../ui/target_field.js";
import { mountStackSwitch } from "./stack_switch.js";

/** @import {State, Store} from "../../types.js" */

/**
 * What only models with an encoder and a decoder have: the target, and the choice between their stacks.
 *
 * @param {HTMLFormElement} form
 * @param {HTMLElement} model the control before that choice
 * @param {Store} store
 * @param {(patch: Partial<State>) => void} runWith
 * @returns {Promise<() => void>} undo
 */
export async function mountStacks(form, model, store, runWith) {
  /** The same text again: the server has it, and sends the heads of the other stack. @param {State["stack"]} stack */
  function choose(stack) {
    const { truncate } = store.get();
    runWith({ stack, layer: null, head: null, side: "query", start: null, upto: null, truncate });
  }
  await loadStyleSheet("stacks");
  const undos = [mountTarget(form, store), mountStackSwitch(model, store, choose)];
  return () => {
    for (const undo of undos) undo();
  };
}
