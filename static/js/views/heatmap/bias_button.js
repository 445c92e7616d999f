import { withBias } from "../../model/heads.js";
import { make, need } from "../../ui/dom.js";

/** @import {Store} from "../../types.js" */

const TITLE = "what the model adds to the scores of this head, before the softmax";

/**
 * The button that shows the bias of a head, for models that have one. `display_options` handles it as it does its own.
 *
 * @param {HTMLElement} group
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountBias(group, store) {
  const button = make("button", { type: "button", "data-show": "bias", title: TITLE }, "bias");
  need(group, ".no-effects").before(button);

  function render() {
    const { overview, show } = store.get();
    const { model, card = model, stack } = overview?.capture ?? {};
    const without = !withBias(model).length;
    button.hidden = !withBias(card).length;
    button.disabled = without;
    button.title = without && stack ? `${stack}: no bias is added to its scores` : TITLE;
    button.setAttribute("aria-pressed", String(show === "bias"));
  }

  render();
  const unwatch = store.watch(["overview", "show"], render);
  return () => {
    unwatch();
    button.remove();
  };
}
