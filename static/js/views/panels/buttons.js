import { PANELS } from "../../state/panels/index.js";
import { listening, make, need, setText } from "../../ui/dom.js";

/** @import {PanelDescriptor} from "../../state/panels/descriptor.js" */
/** @import {Actions, State, Store} from "../../types.js" */

/** @param {PanelDescriptor} panel */
const buttonOf = ({ name, label }) =>
  make("button", { type: "button", "data-panel": name, "aria-controls": name, "aria-expanded": "false" }, label);

/**
 * A panel without its contents: its file in views/panels/ draws the chart and fills `.words`.
 *
 * @param {PanelDescriptor} panel
 */
const sectionOf = ({ name, title }) =>
  make(
    "section",
    { id: name, class: "panel", "aria-labelledby": `${name}-title`, hidden: "" },
    make("h2", { id: `${name}-title` }, title),
    make(
      "div",
      { class: "state" },
      make("p", { class: "message", role: "status" }),
      make("button", { type: "button", class: "retry", hidden: "" }, "Try again"),
    ),
    make("div", { class: "chart", role: "img" }),
    make("div", { class: "words" }),
  );

/** @param {HTMLElement} root @param {State} state */
function render(root, state) {
  const { panel, panelStatus, overview, pattern } = state;
  // Shown once the heatmap is drawn, so that the heatmap does not move; then it stays.
  if (pattern) root.hidden = false;
  for (const { name, whyNot } of PANELS) {
    const reason = whyNot?.(state) ?? "";
    const [button, section] = [need(root, `[data-panel="${name}"]`), need(root, `#${name}`)];
    const isOpen = panel === name;
    button.setAttribute("aria-expanded", String(isOpen));
    // An open panel can always be closed.
    button.toggleAttribute("disabled", !overview && !isOpen);
    section.hidden = !isOpen;
    section.classList.toggle("without", reason !== "");
    setText(need(section, ".message"), isOpen ? reason || panelStatus.message : "");
    need(section, ".retry").hidden = !isOpen || !panelStatus.retry;
  }
}

/**
 * The buttons that open the panels, and the empty panels.
 *
 * @param {HTMLElement} root
 * @param {HTMLElement} more a button elsewhere that opens the scores
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountPanelButtons(root, more, store, actions) {
  const { on, undo } = listening();
  need(root, ".choice").append(...PANELS.map(buttonOf));
  root.append(...PANELS.map(sectionOf));
  for (const { name } of PANELS) {
    const button = need(root, `[data-panel="${name}"]`);
    on(button, "click", () => {
      actions.adjust({ panel: store.get().panel === name ? "" : name });
      button.scrollIntoView({ block: store.get().panel ? "start" : "nearest" });
    });
    on(need(root, `#${name} .retry`), "click", actions.retryPanels);
  }
  on(more, "click", () => {
    const button = need(root, '[data-panel="scores"]');
    if (store.get().panel === "scores") button.scrollIntoView();
    else button.click();
  });
  render(root, store.get());
  const unwatch = store.watch(["panel", "panelStatus", "overview", "pattern"], (now) => render(root, now));
  return () => {
    unwatch();
    undo();
  };
}
