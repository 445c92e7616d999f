import { shownTokens, windowsOf } from "../../model/axes.js";
import { isCross, tokensOf } from "../../model/stack.js";
import { centred } from "../../model/zoom.js";
import { listening, need } from "../../ui/dom.js";

/** @import {Actions, Pattern, Side, State, Store, Token} from "../../types.js" */

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
 * both sides: the token's row and column are then visible. In cross-attention, the token is on one side only.
 *
 * @param {State} state
 * @param {number} token
 * @param {Side} [only]
 */
export function goTo(state, token, only) {
  if (!state.pattern) return {};
  const { axes, frame } = shownTokens(state.pattern, state);
  const sides = axes.flipped ? { down: "key", across: "query" } : { down: "query", across: "key" };
  const moved = (/** @type {"down" | "across"} */ along) => {
    const at = only && sides[along] !== only ? -1 : axes[along].indexOf(token);
    return at < 0 ? frame[along] : centred(frame[along], at, axes[along].length);
  };
  const windows = windowsOf(axes, { down: moved("down"), across: moved("across") });
  return { token, ...(only ? { side: only } : {}), ...windows };
}

/** In cross-attention, the tokens of the text are numbered after those of the target. @param {Pattern} pattern @param {Side} side */
const firstOf = ({ capture }, side) => (isCross(capture) && side === "key" ? tokensOf(capture, "query").length : 0);

/**
 * The matches in all tokens of a heatmap.
 *
 * @param {State & {pattern: Pattern}} state
 * @param {string} wanted
 */
export function matchesOf(state, wanted) {
  const { pattern } = state;
  const { capture } = pattern;
  const { queries = "source", keys = "source" } = capture.model.stacks?.[0] ?? {};
  const texts = { source: state.pictured ?? state, target: { text: capture.target ?? "", text_pair: "" } };
  const found = (/** @type {Side} */ side) => {
    const text = texts[side === "query" ? queries : keys];
    return findTokens(text, tokensOf(capture, side), wanted).map((token) => token + firstOf(pattern, side));
  };
  return isCross(capture) ? [...found("query"), ...found("key")] : found("key");
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

  /** The pinned token, as matches are numbered. */
  function pinned() {
    const { token, pattern, side } = store.get();
    return token === null || !pattern ? null : token + firstOf(pattern, side);
  }

  function render() {
    const { pattern } = store.get();
    const at = matches.indexOf(pinned() ?? -1);
    const text = matches.length ? `${at < 0 ? "" : `${at + 1} of `}${matches.length}` : "nothing found";
    count.textContent = box.value.trim() && pattern ? text : "";
    for (const button of root.querySelectorAll("button")) button.toggleAttribute("disabled", !matches.length);
  }

  function search() {
    const state = store.get();
    const { pattern } = state;
    matches = pattern ? matchesOf({ ...state, pattern }, box.value) : [];
    render();
  }

  /** @param {boolean} back */
  function go(back) {
    const state = store.get();
    const to = nextMatch(matches, pinned(), back);
    if (to === null || !state.pattern) return;
    if (!isCross(state.pattern.capture)) return actions.adjust(goTo(state, to));
    const first = firstOf(state.pattern, "key");
    actions.adjust(to < first ? goTo(state, to, "query") : goTo(state, to - first, "key"));
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
  const unwatch = store.watch(["pattern", "token", "side"], (now, before) => {
    if (now.pattern?.capture !== before.pattern?.capture) search();
    else if (now.token !== before.token || now.side !== before.side) render();
  });
  return () => {
    unwatch();
    undo();
  };
}
