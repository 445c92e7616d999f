import { listening, need } from "./dom.js";

/** @import {State, Store} from "../types.js" */

/**
 * Why the chosen model cannot read two sentences; empty where it can, or where nothing is known of it yet.
 *
 * @param {Pick<State, "model" | "models">} state
 */
export function unpaired({ model, models }) {
  const card = models.find((each) => each.id === model);
  if (card?.pairs !== false) return "";
  return `${model} was not trained on two sentences: choose a BERT, such as minilm`;
}

/**
 * The box of a second sentence, and the button that brings it and takes it away.
 *
 * @param {HTMLFormElement} form
 * @param {Store} store
 * @param {() => void} dropped the second sentence of what was run is gone
 * @returns {() => void} undo
 */
export function mountPair(form, store, dropped) {
  /** @type {HTMLTextAreaElement} */
  const box = need(form, "#text-pair");
  /** @type {HTMLButtonElement} */
  const button = need(form, "#pair");
  const { on, undo } = listening();

  /** @param {boolean} open */
  function show(open) {
    box.hidden = !open;
    if (!open) box.value = "";
    form.classList.toggle("paired", open);
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "\u2212 second sentence" : "+ second sentence";
  }

  /** @param {State} now @param {State | null} before */
  function render(now, before) {
    if (now.text_pair !== before?.text_pair) {
      show(now.text_pair !== "");
      box.value = now.text_pair;
    }
    const why = unpaired(now);
    // Still a button for those who ask why, and the way to drop a sentence that no longer fits.
    button.setAttribute("aria-disabled", String(why !== "" && box.hidden));
    button.title = why;
  }

  on(button, "click", () => {
    const why = unpaired(store.get());
    if (box.hidden && why) {
      store.set({ notice: why });
      return;
    }
    show(Boolean(box.hidden));
    if (!box.hidden) box.focus();
    else if (store.get().text_pair) dropped();
    render(store.get(), store.get());
  });
  render(store.get(), null);
  const unsubscribe = store.subscribe(render);
  return () => {
    unsubscribe();
    undo();
  };
}
