import { rangeOf, shownScore } from "../../model/ranking.js";
import { listening, need, setText } from "../../ui/dom.js";

/** @import {Actions, State, Store} from "../../types.js" */

/** The message beside the picker. While a panel is open, the progress is shown there. @param {State} state */
function messageOf(state) {
  const score = shownScore(state);
  if (score && !rangeOf(score.values)) return `no head has this score here: ${score.choice}`;
  return score || state.panel ? "" : state.panelStatus.message;
}

/** @param {HTMLElement} root @param {State} state */
function render(root, state) {
  const { score, sort, top, panel, panelStatus } = state;
  /** @type {HTMLSelectElement} */
  const select = need(root, "#score");
  select.value = score ?? "";
  /** @type {HTMLSelectElement} */
  const most = need(root, "#top");
  most.value = String(top ?? "");
  need(root, ".ranked").hidden = score === null;
  need(root, "#sort").setAttribute("aria-pressed", String(sort));
  setText(need(root, ".message"), messageOf(state));
  need(root, ".retry").hidden = panel !== "" || !panelStatus.retry;
}

/**
 * The score that colours the grid, sorts it and dims all but the highest. The colouring itself is loaded with the
 * panels.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountScorePicker(root, store, actions) {
  const { on, undo } = listening();
  const chosen = (/** @type {Event} */ event) => /** @type {HTMLSelectElement} */ (event.target).value;
  on(need(root, "#score"), "change", (event) => {
    const score = chosen(event) || null;
    actions.adjust(score ? { score } : { score, sort: false, top: null });
  });
  on(need(root, "#top"), "change", (event) => actions.adjust({ top: Number(chosen(event)) || null }));
  on(need(root, "#sort"), "click", () => actions.adjust({ sort: !store.get().sort }));
  on(need(root, ".retry"), "click", actions.retryPanels);
  render(root, store.get());
  const unwatch = store.watch(["score", "sort", "top", "panel", "panelStatus", "findings", "overview"], (now) =>
    render(root, now),
  );
  return () => {
    unwatch();
    undo();
  };
}
