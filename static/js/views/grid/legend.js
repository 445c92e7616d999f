import { commonGroup, layersOf } from "../../model/heads.js";
import { insteadOf } from "../../model/missing_layers.js";
import { make, setText } from "../../ui/dom.js";
import { shapeOf } from "./rows.js";

/** @import {ModelCard, Store} from "../../types.js" */

/**
 * How heads share key/value heads; empty if each has one of its own.
 *
 * @param {ModelCard | undefined} model
 * @returns {string}
 */
export function groupText(model) {
  const size = commonGroup(model);
  if (size === 0) return "layers differ in how many heads share a key/value head: point at a head";
  if (size <= 1) return "";
  const heads = layersOf(model).find(({ kv_heads }) => kv_heads);
  return heads?.kv_heads === 1
    ? "all heads of a layer share one key/value head"
    : `groups of ${size} heads share a key/value head`;
}

/** @param {string} address @param {string} text */
const linkTo = (address, text) => make("a", { href: `/docs/${address}`, target: "_blank" }, text);

/**
 * Explains hatched layers, and groups of heads. Few models have them.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountLegend(root, store) {
  const instead = make("span");
  const none = linkTo("heads#layers-without-attention", "no softmax attention");
  const swatch = make("span", { class: "swatch hatched" });
  const without = make("span", { class: "without" }, swatch, "hatched: ", none, " (", instead, ")");
  const shared = linkTo("glossary#grouped-query-attention", "");
  shared.classList.add("shared");
  root.append(without, shared);
  const render = () => {
    const { model } = shapeOf(store.get());
    const names = insteadOf(layersOf(model));
    without.hidden = !names;
    setText(instead, names);
    setText(shared, groupText(model));
  };
  render();
  const unwatch = store.watch(["overview", "models", "model"], render);
  return () => {
    unwatch();
    without.remove();
    shared.remove();
  };
}
