import { stacksChosen } from "../../model/stack.js";
import { listening, make } from "../../ui/dom.js";

/** @import {StackName, Store} from "../../types.js" */

/** @type {[StackName, string][]} */
const STACKS = [
  ["encoder", "attention within the text"],
  ["decoder", "attention within the target, the text of the decoder"],
  ["cross", "attention from the target to the text"],
];

/** @param {[StackName, string]} stack */
const radioOf = ([name, title]) =>
  make("label", { title }, make("input", { type: "radio", name: "stack", value: name }), name);

/**
 * The choice between the stacks of a model with an encoder and a decoder. It is outside the views, which cannot be used
 * during a run: it keeps the focus.
 *
 * @param {HTMLElement} after the element before it
 * @param {Store} store
 * @param {(stack: "" | StackName) => void} choose
 * @returns {() => void} undo
 */
export function mountStackSwitch(after, store, choose) {
  const { on, undo } = listening();
  const word = make("span", { class: "word", "aria-hidden": "true" }, "attention:");
  const group = make("fieldset", { class: "stacks choice" }, make("legend", { class: "aside" }, "attention of"), word);
  group.append(...STACKS.map(radioOf));
  after.after(group);

  function render() {
    const state = store.get();
    const stacks = stacksChosen(state);
    group.hidden = !stacks.length;
    const shown = state.stack || stacks[0]?.name;
    for (const radio of group.querySelectorAll("input")) radio.checked = radio.value === shown;
  }

  on(group, "change", ({ target }) => {
    const [first] = stacksChosen(store.get());
    choose(target.value === first?.name ? "" : target.value);
  });
  render();
  const unwatch = store.watch(["overview", "models", "model", "stack"], render);
  return () => {
    unwatch();
    undo();
    group.remove();
  };
}
