/** @import {State} from "../types.js" */

/** @typedef {Pick<State, "text" | "text_pair">} Texts */

/** Text boxes turn every line break into "\n". @param {string} text */
const normalised = (text) => text.replace(/\r\n?/g, "\n");

/** @param {Texts} one @param {Texts} other */
const isSame = (one, other) =>
  normalised(one.text) === normalised(other.text) && normalised(one.text_pair) === normalised(other.text_pair);

/**
 * What is typed, if it is not the text that was run; else null.
 *
 * @param {Texts} run
 * @param {Texts} typed
 * @returns {Texts | null}
 */
export const draftOf = (run, { text, text_pair }) => (isSame(run, { text, text_pair }) ? null : { text, text_pair });

/**
 * Keeps the draft for a reload of the tab. Not in the address: a draft must not end up in a shared link.
 *
 * @param {Pick<State, "text" | "text_pair" | "draft">} state
 */
export function saveDraft({ text, text_pair, draft }) {
  try {
    if (draft) sessionStorage.setItem("draft", JSON.stringify({ draft, of: { text, text_pair } }));
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
    return draft && isSame(of, run) ? { text: String(draft.text), text_pair: String(draft.text_pair) } : null;
  } catch {
    return null;
  }
}
