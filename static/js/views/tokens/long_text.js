import { make } from "../../ui/dom.js";

/** @import {Token} from "../../types.js" */

/** A text of up to SHORT tokens is one chunk. A longer text is divided into chunks of CHUNK tokens. */
const SHORT = 512;
const CHUNK = 128;

/**
 * The first token of each chunk.
 *
 * @param {number} count
 */
export function chunkStarts(count) {
  const size = count > SHORT ? CHUNK : Math.max(1, count);
  return Array.from({ length: Math.ceil(count / size) }, (_, at) => at * size);
}

/** The token of a button. @param {EventTarget | null} target */
export function tokenAt(target) {
  const found = target instanceof Element ? target.closest("button") : null;
  return found ? Number(found.dataset.token) : null;
}

/**
 * The token that a key leads to; null for keys that do not move the focus.
 *
 * @param {string} key
 * @param {number} from
 * @param {number} count
 */
export function nextToken(key, from, count) {
  /** @type {Record<string, number>} */
  const steps = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: count - 1 };
  const to = steps[key];
  return to === undefined ? null : Math.min(count - 1, Math.max(0, to));
}

/** @param {Token} token */
function partsOf(token) {
  const button = make("button", { type: "button", tabindex: "-1" }, token.text);
  button.dataset.token = String(token.index);
  // A newline in the text is a line break on the page.
  return token.text.includes("\u21b5") ? [button, make("br")] : [button];
}

/** Removes the buttons of a chunk and keeps its height. @param {HTMLElement} chunk */
function clear(chunk) {
  if (!chunk.childElementCount) return;
  chunk.style.height = `${chunk.offsetHeight}px`;
  chunk.replaceChildren();
}

/** Scrolls the line only: scrollIntoView() would scroll the page as well. @param {HTMLElement} line @param {HTMLElement} button */
function scrollTo(line, button) {
  const [box, frame] = [button.getBoundingClientRect(), line.getBoundingClientRect()];
  if (box.top < frame.top || box.bottom > frame.bottom)
    line.scrollTop += (box.top + box.bottom - frame.top - frame.bottom) / 2;
}

/**
 * The tokens of a text as buttons. Only the chunks near the visible part have buttons: ten thousand would take seconds.
 *
 * @param {HTMLElement} line the element that scrolls
 * @param {(buttons: HTMLElement[]) => void} onBuilt called with new buttons
 */
export function createChunks(line, onBuilt) {
  /** @type {Token[]} */
  let tokens = [];
  /** @type {number[]} */
  let starts = [];
  /** The largest height of a chunk with buttons: the height of chunks without. */
  let height = 0;

  const observer = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) {
        if (!(target instanceof HTMLElement)) continue;
        if (isIntersecting) build(target);
        else if (!target.contains(document.activeElement)) clear(target);
      }
    },
    { root: line, rootMargin: "200%" },
  );

  /** @param {HTMLElement} chunk */
  function build(chunk) {
    if (chunk.childElementCount) return;
    const at = [...line.children].indexOf(chunk);
    const own = tokens.slice(starts[at], starts[at + 1]);
    chunk.replaceChildren(...own.flatMap(partsOf));
    chunk.style.height = "";
    height = Math.max(height, chunk.offsetHeight);
    onBuilt([...chunk.querySelectorAll("button")]);
  }

  return {
    /** @param {Token[]} given */
    show(given) {
      observer.disconnect();
      [tokens, starts, height] = [given, chunkStarts(given.length), 0];
      line.replaceChildren(...starts.map(() => make("div", { class: "chunk" })));
      line.classList.toggle("long", starts.length > 1);
      const [first, ...others] = /** @type {HTMLElement[]} */ ([...line.children]);
      if (first) build(first);
      for (const chunk of others) chunk.style.height = `${height}px`;
      for (const chunk of line.children) observer.observe(chunk);
    },

    /** Scrolls a token into view, and returns its button. @param {number} token @returns {HTMLElement | null} */
    reveal(token) {
      const chunk = line.children[starts.findLastIndex((start) => start <= token)];
      if (!(chunk instanceof HTMLElement)) return null;
      build(chunk);
      /** @type {HTMLElement | null} */
      const button = chunk.querySelector(`[data-token="${token}"]`);
      if (!button) return null;
      scrollTo(line, button);
      return button;
    },

    stop: () => observer.disconnect(),
  };
}
