import { foldedNames, isFoldable } from "../../model/axes.js";
import { percent, quote } from "../../model/format.js";
import { headScore } from "../../model/head_scores.js";
import { lacksEffects, withBias } from "../../model/heads.js";
import { SHOWS } from "../../state/url.js";
import { listening, need } from "../../ui/dom.js";

/** @import {Actions, Pattern, ScaleName, State, Store} from "../../types.js" */

/**
 * The label of the fold button, with the tokens that it hides.
 *
 * @param {Pattern | null} pattern
 */
export function foldLabel(pattern) {
  const tokens = pattern?.capture.tokens ?? [];
  const names = new Set(tokens.filter((token) => token.special).map((token) => token.text));
  if (pattern?.capture.model.causal && !tokens[0]?.special) names.add("first token");
  return `hide ${[...names].join(", ") || "special tokens"}`;
}

/**
 * How much of the attention goes to the hidden tokens; empty where nothing is. For tokens, that is the server's `sink` value.
 *
 * @param {State} state
 */
export function foldedText(state) {
  const { pattern } = state;
  // Effects have no meaningful sum.
  const names = pattern && pattern.longest === undefined && foldedNames(pattern, state);
  if (!names) return "";
  const where = names.map((name) => (name === "the first token" ? name : quote(name))).join(" and ");
  const share = headScore("sink", pattern.capture, pattern.matrix);
  if (share === null) return `${where}: hidden`;
  const whose = pattern.words ? "the words'" : "this head's";
  return `${percent(share)} of ${whose} attention goes to ${where} (merged into one bar at the edge)`;
}

/** @param {HTMLElement} root @param {State} state */
function render(root, state) {
  const { pattern } = state;
  for (const radio of root.querySelectorAll("input")) radio.checked = radio.value === state.scale;
  for (const name of /** @type {const} */ (["fold", "flip", "words"])) {
    need(root, `[data-toggle="${name}"]`).setAttribute("aria-pressed", String(state[name]));
  }
  const fold = need(root, '[data-toggle="fold"]');
  fold.toggleAttribute("disabled", !pattern || !isFoldable(pattern));
  fold.textContent = foldLabel(pattern);
  need(root, '[data-toggle="flip"]').toggleAttribute("disabled", !pattern);
  // With heads on the page, another quantity can be chosen even if the last one failed.
  const isEmpty = !state.overview;
  need(root, '[data-toggle="words"]').toggleAttribute("disabled", isEmpty || state.show !== "weights");
  need(root, ".folded").textContent = foldedText(state);
  for (const button of root.querySelectorAll("[data-show]")) {
    const { show = "" } = /** @type {HTMLElement} */ (button).dataset;
    const { model } = state.overview?.capture ?? {};
    const isEffect = show === "effect" || show === "layer";
    const without = isEffect ? lacksEffects(model) : show === "bias" && !withBias(model).length;
    button.toggleAttribute("disabled", isEmpty || without);
    button.setAttribute("aria-pressed", String(show === state.show));
  }
  need(root, ".no-effects").hidden = !lacksEffects(state.overview?.capture.model);
}

/**
 * How the head is drawn: colour scale, folding, orientation, and words.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountDisplay(root, store, actions) {
  const { on, undo } = listening();
  for (const radio of root.querySelectorAll("input")) {
    on(radio, "change", () => actions.adjust({ scale: /** @type {ScaleName} */ (radio.value) }));
  }
  on(need(root, '[data-toggle="fold"]'), "click", () => actions.adjust({ fold: !store.get().fold }));
  on(need(root, '[data-toggle="flip"]'), "click", () => actions.adjust({ flip: !store.get().flip }));
  on(need(root, '[data-toggle="words"]'), "click", () => actions.show({ words: !store.get().words }));
  on(need(root, ".quantity"), "click", (event) => {
    const name = event.target instanceof HTMLElement && event.target.dataset.show;
    const show = SHOWS.find((known) => known === name);
    // The effects of a word's tokens have no meaningful sum.
    if (show) actions.show({ show, ...(show === "weights" ? {} : { words: false }) });
  });
  render(root, store.get());
  const unwatch = store.watch(["overview", "pattern", "scale", "fold", "flip", "words", "show"], (now) =>
    render(root, now),
  );
  return () => {
    unwatch();
    undo();
  };
}
