import { listening, need } from "./dom.js";

/** @import {State, Store} from "../types.js" */

/**
 * Why the chosen model cannot read two sentences; empty if it can, or if its card is not known yet.
 *
 * @param {Pick<State, "model" | "models">} state
 */
export function noPairsReason({ model, models }) {
  const card = models.find((each) => each.id === model);
  if (card?.pairs !== false) return "";
  return `${model} was not trained on two sentences: choose a BERT model, such as minilm`;
}

/** @param {State} state */
const shownPair = ({ draft, text_pair }) => draft?.text_pair ?? text_pair;

/**
 * The box of the second sentence, and the button that opens and closes it.
 *
 * @param {HTMLFormElement} form
 * @param {Store} store
 * @param {() => void} runWithout called when the reader closes the box of a second sentence that was run
 * @returns {() => void} undo
 */
export function mountPair(form, store, runWithout) {
  /** @type {HTMLTextAreaElement} */
  const box = need(form, "#text-pair");
  /** @type {HTMLButtonElement} */
  const button = need(form, "#pair");
  const { on, undo } = listening();

  /** @param {boolean} open */
  function show(open) {
    box.hidden = !open;
    form.classList.toggle("paired", open);
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "\u2212 second sentence" : "+ second sentence";
    renderButton();
  }

  function renderButton() {
    const reason = noPairsReason(store.get());
    // Not `disabled`: a click shows the reason, and an open box can still be closed.
    button.setAttribute("aria-disabled", String(reason !== "" && box.hidden));
    button.title = reason;
  }

  function close() {
    show(false);
    box.value = "";
    if (store.get().text_pair) runWithout();
    else box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  on(button, "click", () => {
    const notice = noPairsReason(store.get());
    if (!box.hidden) close();
    else if (notice) store.set({ notice });
    else {
      show(true);
      box.focus();
    }
  });
  show(shownPair(store.get()) !== "");
  const unwatch = [
    store.watch(["text_pair", "draft"], (now, before) => {
      if (shownPair(now)) show(true);
      // A box that the reader has just emptied stays open.
      else if (shownPair(before) && document.activeElement !== box) show(false);
    }),
    store.watch(["model", "models"], renderButton),
  ];
  return () => {
    for (const each of unwatch) each();
    undo();
  };
}
