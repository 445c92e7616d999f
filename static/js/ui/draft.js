import { stacksChosen } from "../model/stack.js";

/** @import {State} from "../types.js" */

/** @typedef {Pick<State, "text" | "text_pair" | "target">} Texts */

const NAMES = /** @type {const} */ (["text", "text_pair", "target"]);

/** @param {Texts} texts @returns {Texts} */
const textsOf = ({ text, text_pair, target }) => ({ text, text_pair, target });

/**
 * The change of the state without what only a decoder reads, if that is what the chosen model is known to have none of.
 *
 * @param {State} state
 * @param {string} model
 * @returns {Partial<State>}
 */
export function withoutTarget(state, model) {
  if (stacksChosen({ ...state, model }).length) return {};
  const { draft } = state;
  const run = { ...state, target: "" };
  return { stack: "", target: "", draft: draft && draftOf(run, { ...draft, target: "" }) };
}

/** Text boxes turn every line break into "\n". @param {string} text */
export const normalised = (text = "") => text.replace(/\r\n?/g, "\n");

/** @param {Texts} one @param {Texts} other */
const isSame = (one, other) => NAMES.every((name) => normalised(one[name]) === normalised(other[name]));

/** The text of the decoder as it is typed. @param {Pick<State, "draft" | "target">} state */
export const typedTarget = ({ draft, target }) => draft?.target ?? target;

/**
 * What is typed, if it is not the text that was run; else null.
 *
 * @param {Texts} run
 * @param {Texts} typed
 * @returns {Texts | null}
 */
export const draftOf = (run, typed) => (isSame(run, typed) ? null : textsOf(typed));

/**
 * Keeps the draft for a reload of the tab. Not in the address: a draft must not end up in a shared link.
 *
 * @param {Texts & Pick<State, "draft">} state
 */
export function saveDraft({ draft, ...state }) {
  try {
    if (draft) sessionStorage.setItem("draft", JSON.stringify({ draft, of: textsOf(state) }));
    else sessionStorage.removeItem("draft");
  } catch {
    // Storage may be disabled or full. Then a reload loses the draft.
  }
}

/**
 * The saved draft, if it was typed over this text; else null.
 *
 * @param {Texts} run
 * @returns {Texts | null}
 */
export function savedDraft(run) {
  try {
    const { draft, of } = JSON.parse(sessionStorage.getItem("draft") ?? "{}");
    if (!draft || !isSame(of, run)) return null;
    const [text = "", text_pair = "", target = ""] = NAMES.map((name) => String(draft[name] ?? ""));
    return { text, text_pair, target };
  } catch {
    return null;
  }
}
