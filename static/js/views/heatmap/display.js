import { percent, quote } from "../../model/format.js";
import { foldedShare, isFoldable } from "../../model/placement.js";
import { segmentsShown, segmentWindows } from "../../model/segments.js";
import { SHOWS } from "../../state/url.js";
import { listening, need } from "../../ui/dom.js";

/** @import {Actions, Pattern, ScaleName, State, Store} from "../../types.js" */

/**
 * What the fold button says: what it would hide.
 *
 * @param {Pattern | null} pattern
 */
export function foldWords(pattern) {
  const tokens = pattern?.capture.tokens ?? [];
  const names = new Set(tokens.filter((token) => token.special).map((token) => token.text));
  if (pattern?.capture.model.causal && !tokens[0]?.special) names.add("first token");
  return names.size ? `fold ${[...names].join(", ")}` : "fold";
}

/**
 * How much of the attention is out of sight; empty where nothing is.
 *
 * @param {State} state
 */
export function foldedWords(state) {
  const { pattern } = state;
  // Effects add up to nothing.
  const found = pattern && pattern.longest === undefined && foldedShare(pattern, state);
  if (!found) return "";
  const names = found.names.map((name) => (name === "the first token" ? name : quote(name)));
  const where = names.join(" and ");
  if (found.share === null) return `${where}: folded`;
  return `${percent(found.share)} of this head's attention is on ${where} (folded into the strip at the edge)`;
}

/** @param {HTMLElement} root @param {State} state */
function render(root, state) {
  const { pattern } = state;
  for (const radio of root.querySelectorAll("input")) radio.checked = radio.value === state.scale;
  for (const bend of /** @type {const} */ (["fold", "flip"])) {
    /** @type {HTMLButtonElement} */
    const button = need(root, `[data-bend="${bend}"]`);
    button.setAttribute("aria-pressed", String(state[bend]));
    button.disabled = !pattern || (bend === "fold" && !isFoldable(pattern));
  }
  need(root, '[data-bend="fold"]').textContent = foldWords(pattern);
  need(root, ".folded").textContent = foldedWords(state);
  for (const button of root.querySelectorAll("[data-show]"))
    button.setAttribute("aria-pressed", String(button instanceof HTMLElement && button.dataset.show === state.show));
  const words = need(root, '[data-bend="words"]');
  words.setAttribute("aria-pressed", String(state.words));
  words.toggleAttribute("disabled", state.show !== "weights");
  renderSegments(need(root, ".segments"), state);
}

/** @param {HTMLElement} group @param {State} state */
function renderSegments(group, state) {
  group.hidden = !state.pattern || !Object.keys(segmentWindows(state.pattern.capture)).length;
  const chosen = segmentsShown(state);
  for (const button of group.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.segments === chosen));
  }
}

/**
 * How the head is drawn: colours, folds, which side the keys are on, which sentence looks at which.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountLooks(root, store, actions) {
  const { on, undo } = listening();
  for (const radio of root.querySelectorAll("input")) {
    on(radio, "change", () => actions.adjust({ scale: /** @type {ScaleName} */ (radio.value) }));
  }
  on(need(root, '[data-bend="fold"]'), "click", () => actions.adjust({ fold: !store.get().fold }));
  on(need(root, '[data-bend="flip"]'), "click", () => actions.adjust({ flip: !store.get().flip }));
  on(need(root, '[data-bend="words"]'), "click", () => actions.show({ words: !store.get().words }));
  on(need(root, ".shown"), "click", (event) => {
    const name = event.target instanceof HTMLElement && event.target.dataset.show;
    const show = SHOWS.find((known) => known === name);
    // The tokens of a word have no effect of their own to add up.
    if (show) actions.show({ show, ...(show === "weights" ? {} : { words: false }) });
  });
  on(need(root, ".segments"), "click", (event) => {
    const { pattern } = store.get();
    const name = event.target instanceof HTMLElement ? event.target.dataset.segments : undefined;
    const window = pattern && name ? segmentWindows(pattern.capture)[name] : undefined;
    if (window) actions.adjust(window);
  });
  render(root, store.get());
  const drawn = /** @type {const} */ (["pattern", "scale", "fold", "flip", "rows", "columns", "words", "show"]);
  const unsubscribe = store.subscribe((now, before) => {
    if (drawn.some((name) => now[name] !== before[name])) render(root, now);
  });
  return () => {
    unsubscribe();
    undo();
  };
}
