import { listening, need } from "./dom.js";
import { draftOf, normalised, saveDraft, typedTarget } from "./draft.js";

/** @import {Store} from "../types.js" */
/** @import {Texts} from "./draft.js" */

/**
 * The text box and the box of the second sentence. What is typed but not run is a draft.
 *
 * @param {HTMLFormElement} form
 * @param {Store} store
 * @param {(texts: Texts) => void} run
 * @returns {() => void} undo
 */
export function mountTextForm(form, store, run) {
  const boxes = /** @type {HTMLTextAreaElement[]} */ ([need(form, "#text"), need(form, "#text-pair")]);
  const { on, undo } = listening();
  const typed = () => {
    const [text = "", text_pair = ""] = boxes.map(({ value }) => value);
    return { text, text_pair, target: typedTarget(store.get()) };
  };

  function render() {
    const { text, text_pair } = store.get().draft ?? store.get();
    for (const [at, value] of [text, text_pair].entries()) {
      const box = boxes[at];
      // Assigned only if it differs: the cursor would move to the end.
      if (box && normalised(box.value) !== normalised(value)) box.value = value;
    }
  }

  on(form, "input", () => store.set({ draft: draftOf(store.get(), typed()), notice: "" }));
  on(form, "submit", (event) => {
    event.preventDefault();
    run(typed());
  });
  on(form, "keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target instanceof HTMLTextAreaElement)
      run(typed());
  });
  render();
  const unwatch = store.watch(["text", "text_pair", "target", "draft"], (now) => {
    render();
    saveDraft(now);
  });
  return () => {
    unwatch();
    undo();
  };
}
