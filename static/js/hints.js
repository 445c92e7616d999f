/** @import {State, Store} from "./types.js" */

/** When the control that a hint is about has been used. @type {Record<string, (now: State, before: State) => boolean>} */
const USES = {
  grid: (now, before) => before.layer !== null && now.layer !== null && moved(now, before, ["layer", "head"]),
  zoom: (now, before) => moved(now, before, ["rows", "columns"]) && (now.rows ?? now.columns) !== null,
  strip: (now, before) => moved(now, before, ["token"]) && now.token !== null,
};

/** @param {State} now @param {State} before @param {(keyof State)[]} names */
const moved = (now, before, names) => names.some((name) => now[name] !== before[name]);

/**
 * The hints that a change of the state makes needless.
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
    // Storage may be forbidden: then a hint is gone for as long as the page is open.
  }
}

/**
 * A hint stands beside its control until that is used for the first time, and never comes back.
 *
 * @param {ParentNode} root
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountHints(root, store) {
  const known = remembered();
  for (const hint of root.querySelectorAll("[data-hint]")) {
    if (hint instanceof HTMLElement) hint.hidden = known.has(hint.dataset.hint ?? "");
  }
  return store.subscribe((now, before) => {
    for (const name of used(now, before)) {
      if (known.has(name)) continue;
      known.add(name);
      remember(known);
      // Its place is kept: nothing may move under the hand that has just used the control.
      for (const hint of root.querySelectorAll(`[data-hint="${name}"]`)) hint.classList.add("over");
    }
  });
}
