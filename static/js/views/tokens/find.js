import { shownTokens, windowsOf } from "../../model/axes.js";
import { centred } from "../../model/zoom.js";
import { listening, need } from "../../ui/dom.js";

/** @import {Actions, State, Store, Token} from "../../types.js" */

/** In code points, as the server counts. @param {string} text */
const lengthOf = (text) => [...text].length;

/**
 * The matches of a search in a text, ignoring case, as ranges of code points.
 *
 * @param {string} text
 * @param {string} wanted
 */
function matchesIn(text, wanted) {
  const pattern = new RegExp(wanted.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"), "giu");
  let [read, at] = [0, 0];
  return [...text.matchAll(pattern)].map((match) => {
    at += lengthOf(text.slice(read, match.index));
    read = match.index;
    return { from: at, to: at + lengthOf(match[0]) };
  });
}

/**
 * The tokens in which the matches of a search begin; `#12` finds the token at that position.
 *
 * @param {Pick<State, "text" | "text_pair">} texts
 * @param {Token[]} tokens
 * @param {string} wanted
 * @returns {number[]}
 */
export function findTokens({ text, text_pair }, tokens, wanted) {
  const position = /^#(\d{1,9})$/.exec(wanted);
  if (position) return Number(position[1]) < tokens.length ? [Number(position[1])] : [];
  if (!wanted.trim()) return [];
  const firsts = [text, text_pair].flatMap((part, segment) => {
    const own = tokens.filter((token) => token.start !== null && (token.segment ?? 0) === segment);
    let at = 0;
    // Matches and tokens are both in reading order.
    return matchesIn(part, wanted).flatMap(({ from }) => {
      while (at < own.length && (own[at]?.end ?? 0) <= from) at += 1;
      return own[at]?.index ?? [];
    });
  });
  return [...new Set(firsts)];
}

/**
 * The match after a token, or before it; after the last comes the first. Null where there is none.
 *
 * @param {number[]} matches in order
 * @param {number | null} from
 * @param {boolean} back
 */
export function nextMatch(matches, from, back) {
  if (!matches.length) return null;
  const after = from === null ? 0 : matches.findIndex((match) => match > from);
  const before = from === null ? -1 : matches.findLastIndex((match) => match < from);
  return (back ? matches.at(before) : matches[Math.max(0, after)]) ?? null;
}

/**
 * The change of the state that pins a token. Where the window does not contain the token, its middle moves there on
 * both sides: the token's row and column are then visible.
 *
 * @param {State} state
 * @param {number} token
 */
export function goTo(state, token) {
  if (!state.pattern) return {};
  const { axes, frame } = shownTokens(state.pattern, state);
  const moved = (/** @type {"down" | "across"} */ side) => {
    const at = axes[side].indexOf(token);
    return at < 0 ? frame[side] : centred(frame[side], at, axes[side].length);
  };
  return { token, ...windowsOf(axes, { down: moved("down"), across: moved("across") }) };
}

/**
 * The search for a token, by its text or its position.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountFind(root, store, actions) {
  /** @type {HTMLInputElement} */
  const box = need(root, "input");
  const count = need(root, "output");
  const { on, undo } = listening();
  /** @type {number[]} */
  let matches = [];

  function render() {
    const { pattern, token } = store.get();
    const at = matches.indexOf(token ?? -1);
    const text = matches.length ? `${at < 0 ? "" : `${at + 1} of `}${matches.length}` : "nothing found";
    count.textContent = box.value.trim() && pattern ? text : "";
    for (const button of root.querySelectorAll("button")) button.toggleAttribute("disabled", !matches.length);
  }

  function search() {
    const state = store.get();
    matches = state.pattern ? findTokens(state.pictured ?? state, state.pattern.capture.tokens, box.value) : [];
    render();
  }

  /** @param {boolean} back */
  function go(back) {
    const to = nextMatch(matches, store.get().token, back);
    if (to !== null) actions.adjust(goTo(store.get(), to));
  }

  on(box, "input", search);
  on(box, "keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    go(event.shiftKey);
  });
  on(need(root, '[data-find="previous"]'), "click", () => go(true));
  on(need(root, '[data-find="next"]'), "click", () => go(false));
  search();
  const unwatch = store.watch(["pattern", "token"], (now, before) => {
    if (now.pattern?.capture !== before.pattern?.capture) search();
    else if (now.token !== before.token) render();
  });
  return () => {
    unwatch();
    undo();
  };
}
