import { decodes } from "../model/stack.js";
import { listening, make, need } from "./dom.js";
import { draftOf, typedTarget } from "./draft.js";

/** @import {State, Store} from "../types.js" */

/**
 * The target that the model has written, or what there is of it; empty if it is given, or belongs to another text.
 *
 * @param {Pick<State, "draft" | "target" | "status" | "overview" | "pictured" | "model" | "text" | "text_pair">} state
 */
export function writtenTarget({ draft, status, overview, pictured, ...state }) {
  if (typedTarget({ draft, target: state.target })) return "";
  const names = /** @type {const} */ (["model", "text", "text_pair", "target"]);
  const { target, target_written } = overview?.capture ?? {};
  const isOfText = names.every((name) => state[name] === pictured?.[name]);
  return status.written ?? (isOfText && target_written && target ? target : "");
}

/**
 * The box of the target, the text of the decoder. While it is empty, it shows what the model has written: if the reader
 * changes that, it becomes a given target.
 *
 * @param {HTMLFormElement} form
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountTarget(form, store) {
  const { on, undo } = listening();
  const by = make("span", { class: "by" }, "written by the model");
  const name = make("label", { class: "name of-target", for: "target" }, "target", by);
  const box = make("textarea", {
    id: "target",
    rows: "2",
    dir: "auto",
    spellcheck: "false",
    autocomplete: "off",
    placeholder: "Empty: the model writes it, greedily.",
    title: "the text that the decoder reads",
    "aria-describedby": "error",
  });
  /** The reader has emptied the box, to type another target. */
  let isEmptied = false;

  function render() {
    const state = store.get();
    const isNeeded = decodes(state);
    for (const part of [name, box]) part.hidden = !isNeeded;
    form.classList.toggle("targeted", isNeeded);
    box.setAttribute("aria-invalid", String(state.status.kind === "error" && state.status.about === "target"));
    if (state.status.kind === "busy") isEmptied = false;
    const written = isEmptied ? "" : writtenTarget(state);
    const value = written || typedTarget(state);
    if (box.value !== value) box.value = value;
    form.classList.toggle("written", written !== "");
  }

  on(box, "input", () => {
    const state = store.get();
    const { text, text_pair } = state.draft ?? state;
    const target = box.value === writtenTarget(state) ? "" : box.value;
    isEmptied = box.value === "";
    store.set({ draft: draftOf(state, { text, text_pair, target }) });
    render();
  });
  on(box, "blur", () => {
    isEmptied = false;
    render();
  });
  need(form, ".outcome").before(name, box);
  render();
  const unwatch = store.watch(
    ["overview", "models", "model", "target", "draft", "status", "pictured", "text", "text_pair"],
    render,
  );
  return () => {
    unwatch();
    undo();
    for (const part of [name, box]) part.remove();
  };
}
