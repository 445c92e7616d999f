import { frameOf, sightOf, windowsOf } from "../../model/placement.js";
import { centred } from "../../model/zoom.js";
import { listening, need } from "../../ui/dom.js";

/** @import {Actions, State, Store, Token} from "../../types.js" */

/** In code points, as the server counts. @param {string} text */
const lengthOf = (text) => [...text].length;

/**
 * Where a text has some words, whatever their case: each match as its first and its last character's end.
 *
 * @param {string} text
 * @param {string} words
 */
function placesOf(text, words) {
  const pattern = new RegExp(words.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"), "giu");
  let [read, at] = [0, 0];
  return [...text.matchAll(pattern)].map((match) => {
    at += lengthOf(text.slice(read, match.index));
    read = match.index;
    return { from: at, to: at + lengthOf(match[0]) };
  });
}

/**
 * The tokens at which what is looked for begins; `#12` is the token of that position.
 *
 * @param {Pick<State, "text" | "text_pair">} texts
 * @param {Token[]} tokens
 * @param {string} wanted
 * @returns {number[]}
 */
export function found({ text, text_pair }, tokens, wanted) {
  const position = /^#(\d{1,9})$/.exec(wanted);
  if (position) return Number(position[1]) < tokens.length ? [Number(position[1])] : [];
  if (!wanted.trim()) return [];
  const firsts = [text, text_pair].flatMap((part, segment) => {
    const own = tokens.filter((token) => token.start !== null && (token.segment ?? 0) === segment);
    let at = 0;
    // Both are in reading order.
    return placesOf(part, wanted).flatMap(({ from }) => {
      while (at < own.length && (own[at]?.end ?? 0) <= from) at += 1;
      return own[at]?.index ?? [];
    });
  });
  return [...new Set(firsts)];
}

/**
 * The one that comes after a token, or before it, round the text; null where there is none.
 *
 * @param {number[]} places in order
 * @param {number | null} from
 * @param {boolean} back
 */
export function nextOf(places, from, back) {
  if (!places.length) return null;
  const after = from === null ? 0 : places.findIndex((place) => place > from);
  const before = from === null ? -1 : places.findLastIndex((place) => place < from);
  return (back ? places.at(before) : places[Math.max(0, after)]) ?? null;
}

/**
 * Holds on to a token, and where the window does not show it on both sides, moves its middle there: around it stands
 * what it may look at, and what may look at it.
 *
 * @param {State} state
 * @param {number} token
 */
export function reaching(state, token) {
  if (!state.pattern) return {};
  const sight = sightOf(state.pattern, state);
  const frame = frameOf(sight, state);
  const moved = (/** @type {"down" | "across"} */ side) => {
    const at = sight[side].indexOf(token);
    return at < 0 ? frame[side] : centred(frame[side], at, sight[side].length);
  };
  return { token, ...windowsOf(sight, { down: moved("down"), across: moved("across") }) };
}

/**
 * Jumps to a token of the text, by its words or its position.
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
  let places = [];

  function render() {
    const { pattern, token } = store.get();
    const at = places.indexOf(token ?? -1);
    const words = places.length ? `${at < 0 ? "" : `${at + 1} of `}${places.length}` : "nothing found";
    count.textContent = box.value.trim() && pattern ? words : "";
    for (const button of root.querySelectorAll("button")) button.toggleAttribute("disabled", !places.length);
  }

  function search() {
    const state = store.get();
    places = state.pattern ? found(state, state.pattern.capture.tokens, box.value) : [];
    render();
  }

  /** @param {boolean} back */
  function go(back) {
    const to = nextOf(places, store.get().token, back);
    if (to !== null) actions.adjust(reaching(store.get(), to));
  }

  on(box, "input", search);
  on(box, "keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    go(event.shiftKey);
  });
  on(need(root, '[data-find="previous"]'), "click", () => go(true));
  on(need(root, '[data-find="next"]'), "click", () => go(false));
  render();
  const unsubscribe = store.subscribe((now, before) => {
    if (now.pattern?.capture !== before.pattern?.capture) search();
    else if (now.token !== before.token) render();
  });
  return () => {
    unsubscribe();
    undo();
  };
}
