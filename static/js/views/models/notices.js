import { mountChangedFiles } from "./changed_files.js";
import { mountQuestion } from "./question.js";

/** @import {Api} from "../../api/client.js" */
/** @import {State, Store} from "../../types.js" */

/**
 * What the page says about the chosen model above the text: the question before a model from the hub is loaded, and that
 * its files have changed.
 *
 * @param {HTMLElement} form
 * @param {Store} store
 * @param {Api} api
 * @param {object} actions
 * @param {() => void} actions.run
 * @param {(model: string) => void} actions.chooseModel
 * @param {(model: string) => Partial<State>} actions.choose the change that records a choice
 * @returns {() => void} undo
 */
export function mountModelNotices(form, store, api, { run, chooseModel, choose }) {
  const undos = [
    mountQuestion(form, store, api, {
      // The address stays as it is: its head is shown.
      load(model) {
        store.set(choose(model));
        run();
      },
      use: chooseModel,
    }),
    mountChangedFiles(form, store, api, run),
  ];
  return () => {
    for (const undo of undos) undo();
  };
}
