import { keyOf } from "../model/stack.js";
import { listening, need, setText } from "./dom.js";

/** @import {State, Store} from "../types.js" */

/**
 * True while the pictures, or some of them, do not belong to the text and model that were requested last.
 *
 * @param {Pick<State, "status" | "overview" | "pattern">} state
 */
export function isOutdated({ status, overview, pattern }) {
  return status.kind === "busy" || (!!overview && !!pattern && keyOf(overview.capture) !== keyOf(pattern.capture));
}

/**
 * True while the pictures show another text, or another model, than the controls: it was edited, or its run failed.
 *
 * @param {Pick<State, "draft" | "pictured" | "pattern" | "status" | "model" | "text" | "text_pair" | "target">} state
 */
export function isStale({ draft, pictured, pattern, status, ...state }) {
  if (!pictured || !pattern || status.kind === "busy") return false;
  const names = /** @type {const} */ (["model", "text", "text_pair", "target"]);
  return draft !== null || names.some((name) => state[name] !== pictured[name]);
}

/** Outdated views cannot be used; those of another text than that in the box are dimmed. @param {HTMLElement} main @param {State} state */
function renderViews(main, state) {
  const [outdated, views] = [isOutdated(state), need(main, ".views")];
  views.setAttribute("aria-busy", String(outdated));
  main.classList.toggle("stale", !outdated && isStale(state));
  // While a run adds layers to the grid, its heads belong to the new text and can be chosen.
  const isArriving = state.overview?.capture.id === "";
  for (const section of views.querySelectorAll("section")) {
    section.inert = outdated && !(isArriving && section.matches(".grid"));
  }
}

/** The note below the text box while the pictures are stale. @param {State} state */
export function staleNote(state) {
  if (!isStale(state)) return "";
  return state.pictured?.model === state.model
    ? "The heatmaps show the previous text."
    : "The heatmaps show the previous model.";
}

/** What the run is doing, or the size of what is shown. @param {State} state */
function statusText(state) {
  const { kind, message } = state.status;
  if (kind === "error") return "";
  return kind === "done" && isStale(state) ? `previous text: ${message}` : message;
}

/** @param {HTMLElement} root @param {State} state */
function render(root, state) {
  const { status, notice } = state;
  const isError = status.kind === "error";
  setText(need(root, "#status"), statusText(state));
  setText(need(root, "#error"), isError ? status.message : "");
  setText(need(root, "#stale"), staleNote(state));
  setText(need(root, "#notice"), notice);
  for (const field of ["text", "text-pair", "model"]) {
    need(document, `#${field}`).setAttribute("aria-invalid", String(isError && status.about === field));
  }
  need(root, "#retry").hidden = !status.retry;
  const cut = need(root, "#cut");
  cut.hidden = !status.cuts;
  setText(cut, state.text_pair ? "Cut the longer sentence" : "Cut off the end of the text");
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
  const unwatch = store.watch(
    ["status", "notice", "draft", "overview", "pattern", "pictured", "model", "text", "text_pair", "target"],
    update,
  );
  return () => {
    unwatch();
    undo();
  };
}
