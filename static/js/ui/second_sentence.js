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

/** @param {Pick<State, "draft" | "text_pair">} state */
const shownPair = ({ draft, text_pair }) => draft?.text_pair ?? text_pair;

/**
 * The box of the second sentence, and the button that opens and closes it.
 *
 * @param {HTMLFormElement} form
 * @param {Store} store
 */
function createBox(form, store) {
  /** @type {HTMLTextAreaElement} */
  const box = need(form, "#text-pair");
  /** @type {HTMLButtonElement} */
  const button = need(form, "#pair");

  function renderButton() {
    const state = store.get();
    const reason = noPairsReason(state);
    button.toggleAttribute(
      "data-pairs",
      state.models.some(({ id, pairs }) => id === state.model && pairs),
    );
    // Not `disabled`: a click shows the reason, and an open box can still be closed.
    button.setAttribute("aria-disabled", String(reason !== "" && box.hidden));
    button.title = reason;
  }

  return {
    box,
    button,
    renderButton,
    /** @param {boolean} open */
    show(open) {
      box.hidden = !open;
      form.classList.toggle("paired", open);
      button.setAttribute("aria-expanded", String(open));
      button.textContent = open ? "\u2212 second sentence" : "+ second sentence";
      renderButton();
    },
    /** @param {string} text */
    type(text) {
      box.value = text;
      box.dispatchEvent(new Event("input", { bubbles: true }));
    },
  };
}

/**
 * When a model is chosen that cannot read a second sentence, the box closes. Its text comes back with a model that can.
 *
 * @param {ReturnType<typeof createBox>} pair
 * @param {Store} store
 */
function createKeeper({ renderButton, show, type }, store) {
  let kept = "";
  return {
    forget: () => (kept = ""),
    /** @param {State} now @param {State} before */
    followModel(now, before) {
      renderButton();
      const isRead = !noPairsReason(now);
      if (isRead && kept) {
        show(true);
        type(kept);
        kept = "";
      }
      if (isRead || now.text_pair) return;
      const unread = shownPair(before);
      show(false);
      if (!unread) return;
      kept = unread;
      type("");
      store.set({
        notice: `${now.model} reads only one text. Your second sentence comes back when you choose a BERT model.`,
      });
    },
  };
}

/**
 * @param {HTMLFormElement} form
 * @param {Store} store
 * @param {() => void} runWithout called when the reader closes the box of a second sentence that was run
 * @returns {() => void} undo
 */
export function mountPair(form, store, runWithout) {
  const pair = createBox(form, store);
  const { box, show } = pair;
  const keeper = createKeeper(pair, store);
  const { on, undo } = listening();

  function close() {
    show(false);
    keeper.forget();
    if (store.get().text_pair) runWithout();
    else pair.type("");
  }

  on(pair.button, "click", () => {
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
    store.watch(["model", "models"], keeper.followModel),
  ];
  return () => {
    for (const each of unwatch) each();
    undo();
  };
}
