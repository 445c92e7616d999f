import { segmentsShown } from "../model/sentence_pair.js";

/** @import {State, Store} from "../types.js" */

/** Whether the control that a hint is about has been used. @type {Record<string, (now: State, before: State) => boolean>} */
const USES = {
  text: (now, before) => before.text !== "" && moved(now, before, ["text"]),
  model: (now, before) => before.model !== "" && moved(now, before, ["model"]),
  pair: (now) => now.text_pair !== "",
  grid: (now, before) => before.layer !== null && now.layer !== null && moved(now, before, ["layer", "head"]),
  zoom: (now, before) => moved(now, before, ["rows", "columns"]) && (now.rows ?? now.columns) !== null,
  scale: (now, before) => moved(now, before, ["scale"]),
  fold: (now) => now.fold,
  flip: (now) => now.flip,
  segments: (now) => segmentsShown(now) !== undefined && now.rows !== null,
  table: (now) => now.as === "table",
  strip: (now, before) => moved(now, before, ["token"]) && now.token !== null,
  side: (now, before) => moved(now, before, ["side"]),
};

/** @param {State} now @param {State} before @param {(keyof State)[]} names */
const moved = (now, before, names) => names.some((name) => now[name] !== before[name]);

/**
 * The hints whose control was used in a change of the state.
 *
 * @param {State} now
 * @param {State} before
 */
export const used = (now, before) => Object.keys(USES).filter((name) => USES[name]?.(now, before));

/** @returns {Set<string>} */
function remembered() {
  try {
    const names = JSON.parse(localStorage.getItem("used") ?? "[]");
    return new Set(Array.isArray(names) ? names : []);
  } catch {
    return new Set();
  }
}

/** @param {Set<string>} names */
function remember(names) {
  try {
    localStorage.setItem("used", JSON.stringify([...names]));
  } catch {
    // Storage may be disabled. Then a used hint comes back after a reload.
  }
}

/** @param {Element | null} control */
const isThere = (control) =>
  !!control && !control.closest("[hidden]") && !control.matches(":disabled, [aria-disabled='true']");

/**
 * Shows the first hint of a place whose control exists and has not been used yet.
 *
 * @param {ParentNode} place
 * @param {Set<string>} known
 */
function choose(place, known) {
  let free = true;
  for (const hint of place.querySelectorAll("[data-hint]")) {
    if (!(hint instanceof HTMLElement)) continue;
    const { hint: name = "", control } = hint.dataset;
    hint.hidden = !free || known.has(name) || (!!control && !isThere(document.querySelector(control)));
    free &&= hint.hidden;
  }
}

/**
 * A hint is shown near its control until the control has been used once. A place shows one hint at a time, so that its
 * size stays the same.
 *
 * @param {ParentNode} root
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountHints(root, store) {
  const known = remembered();
  const places = root.querySelectorAll("[data-hints]");
  const render = () => {
    for (const place of places) choose(place, known);
  };
  render();
  return store.subscribe((now, before) => {
    const fresh = used(now, before).filter((name) => !known.has(name));
    for (const name of fresh) known.add(name);
    if (fresh.length) remember(known);
    if (fresh.length || moved(now, before, ["pattern", "models", "model", "as"])) render();
  });
}
