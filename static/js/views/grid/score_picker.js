import { listening, need } from "../../ui/dom.js";

/** @import {Actions, Panel, State, Store} from "../../types.js" */

/** @param {ParentNode} root @param {State} state */
function render(root, { score, sort, top, panel, overview, pattern }) {
  // Not before the picture, whose room it would be moved by; and then for good.
  if (pattern) need(root, "#panels").hidden = false;
  /** @type {HTMLSelectElement} */
  const select = need(root, "#score");
  select.value = score ?? "";
  /** @type {HTMLSelectElement} */
  const most = need(root, "#top");
  most.value = String(top ?? "");
  need(root, ".ranked").hidden = score === null;
  need(root, "#sort").setAttribute("aria-pressed", String(sort));
  for (const button of root.querySelectorAll("[data-panel]")) {
    const { dataset } = /** @type {HTMLElement} */ (button);
    button.setAttribute("aria-expanded", String(dataset.panel === panel));
    button.toggleAttribute("disabled", !overview);
  }
}

/**
 * What is coloured, sorted and opened. What that shows comes later, with `catalogue.js`.
 *
 * @param {ParentNode} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountChoosing(root, store, actions) {
  const { on, undo } = listening();
  const chosenIn = (/** @type {Event} */ event) => /** @type {HTMLSelectElement} */ (event.target).value;
  on(need(root, "#score"), "change", (event) => {
    const score = chosenIn(event) || null;
    actions.adjust(score ? { score } : { score, sort: false, top: null });
  });
  on(need(root, "#top"), "change", (event) => actions.adjust({ top: Number(chosenIn(event)) || null }));
  on(need(root, "#sort"), "click", () => actions.adjust({ sort: !store.get().sort }));
  for (const button of root.querySelectorAll("[data-panel]")) {
    on(button, "click", () => {
      const panel = /** @type {Panel} */ (/** @type {HTMLElement} */ (button).dataset.panel);
      actions.adjust({ panel: store.get().panel === panel ? "" : panel });
      button.scrollIntoView({ block: store.get().panel ? "start" : "nearest" });
    });
  }
  on(need(root, ".more"), "click", () => {
    const tab = need(root, '[data-panel="scores"]');
    if (store.get().panel === "scores") tab.scrollIntoView();
    else tab.click();
  });
  render(root, store.get());
  const drawn = /** @type {const} */ (["score", "sort", "top", "panel", "overview", "pattern"]);
  const unsubscribe = store.subscribe((now, before) => {
    if (drawn.some((name) => now[name] !== before[name])) render(root, now);
  });
  return () => {
    unsubscribe();
    undo();
  };
}
