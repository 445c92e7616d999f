import { listening, need, setText } from "./dom.js";

/** @import {State, Store} from "../types.js" */

/**
 * True while the pictures, or some of them, do not belong to the text and model that were requested last.
 *
 * @param {Pick<State, "status" | "overview" | "pattern">} state
 */
export function isOutdated({ status, overview, pattern }) {
  return status.kind === "busy" || (!!overview && !!pattern && overview.capture.id !== pattern.capture.id);
}

/** Outdated views cannot be used; those of a text that was edited since are dimmed. @param {HTMLElement} main @param {State} state */
function renderViews(main, state) {
  const [outdated, views] = [isOutdated(state), need(main, ".views")];
  views.setAttribute("aria-busy", String(outdated));
  main.classList.toggle("stale", !outdated && state.draft !== null);
  // While a run adds layers to the grid, its heads belong to the new text and can be chosen.
  const isArriving = state.overview?.capture.id === "";
  for (const section of views.querySelectorAll("section")) {
    section.inert = outdated && !(isArriving && section.matches(".grid"));
  }
}

/** The note below the text box after the text was edited. @param {State} state */
export const draftNote = ({ draft, overview, status }) =>
  draft && overview && status.kind !== "busy" ? "edited, not run: pictures of the previous text" : "";

/** @param {HTMLElement} root @param {State} state */
function render(root, state) {
  const { status, notice } = state;
  const isError = status.kind === "error";
  setText(need(root, "#status"), isError ? "" : status.message);
  setText(need(root, "#error"), isError ? status.message : "");
  setText(need(root, "#stale"), draftNote(state));
  setText(need(root, "#notice"), notice);
  for (const field of ["text", "text-pair", "model"]) {
    need(document, `#${field}`).setAttribute("aria-invalid", String(isError && status.about === field));
  }
  need(root, "#retry").hidden = !status.retry;
  need(root, "#cut").hidden = !status.cuts;
}

/**
 * The line below the text box: what the run is doing, how it ended, and what can be done about an error.
 *
 * @param {HTMLElement} root
 * @param {HTMLElement} main what holds the views
 * @param {Store} store
 * @param {{retry: () => void, cut: () => void}} actions
 * @returns {() => void} undo
 */
export function mountStatusLine(root, main, store, { retry, cut }) {
  const { on, undo } = listening();
  const update = () => {
    render(root, store.get());
    renderViews(main, store.get());
  };
  on(need(root, "#retry"), "click", retry);
  on(need(root, "#cut"), "click", cut);
  update();
  const unwatch = store.watch(["status", "notice", "draft", "overview", "pattern"], update);
  return () => {
    unwatch();
    undo();
  };
}
