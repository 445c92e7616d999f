import { withBias } from "../../model/heads.js";
import { make, need } from "../../ui/dom.js";

/** @import {Store} from "../../types.js" */

const RAW = "what the softmax makes weights of: query times key, scaled, and the bias";
const BIAS = "what the model adds to the raw scores of this head";

/**
 * The buttons for raw scores and for the bias that is a part of them, of models that have one. `display_options` handles
 * them as it does its own.
 *
 * @param {HTMLElement} group
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountScoreButtons(group, store) {
  const raw = make("button", { type: "button", "data-show": "raw", title: RAW }, "raw scores");
  const bias = make("button", { type: "button", "data-show": "bias" }, "bias");
  need(group, ".no-effects").before(raw, bias);

  function render() {
    const { overview, show } = store.get();
    const { model, card = model, stack } = overview?.capture ?? {};
    const hasBias = withBias(model).length > 0;
    bias.hidden = !withBias(card).length;
    raw.hidden = bias.hidden && show !== "raw";
    bias.disabled = !hasBias;
    bias.title = hasBias || !stack ? BIAS : `${stack}: no bias is added to its scores`;
    for (const button of [raw, bias]) button.setAttribute("aria-pressed", String(show === button.dataset.show));
  }

  render();
  const unwatch = store.watch(["overview", "show"], render);
  return () => {
    unwatch();
    for (const button of [raw, bias]) button.remove();
  };
}
