import { make } from "../../ui/dom.js";

/** @import {Token} from "../../types.js" */

/** Up to so many tokens stand in one chunk, as one paragraph. A longer text has its tokens in chunks of CHUNK. */
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

/** @param {Token} token */
function partsOf(token) {
  const button = make("button", { type: "button", tabindex: "-1" }, token.text);
  button.dataset.token = String(token.index);
  // The line breaks where the text does.
  return token.text.includes("\u21b5") ? [button, make("br")] : [button];
}

/**
 * The tokens of a text as buttons, of which only those near the sight are there: ten thousand would take seconds.
 *
 * @param {HTMLElement} line what scrolls
 * @param {(buttons: HTMLElement[]) => void} built told of new ones
 */
export function createChunks(line, built) {
  /** @type {Token[]} */
  let tokens = [];
  /** @type {number[]} */
  let starts = [];
  /** Heights of what was built, for what is not. */
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
    built([...chunk.querySelectorAll("button")]);
  }

  /** @param {HTMLElement} chunk */
  function clear(chunk) {
    if (!chunk.childElementCount) return;
    chunk.style.height = `${chunk.offsetHeight}px`;
    chunk.replaceChildren();
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

    /** A token's button, in sight. @param {number} token @returns {HTMLElement | null} */
    reveal(token) {
      const chunk = line.children[starts.findLastIndex((start) => start <= token)];
      if (!(chunk instanceof HTMLElement)) return null;
      build(chunk);
      /** @type {HTMLElement | null} */
      const button = chunk.querySelector(`[data-token="${token}"]`);
      if (!button) return null;
      const [box, frame] = [button.getBoundingClientRect(), line.getBoundingClientRect()];
      // Not scrollIntoView(), which would move the page as well.
      if (box.top < frame.top || box.bottom > frame.bottom)
        line.scrollTop += (box.top + box.bottom - frame.top - frame.bottom) / 2;
      return button;
    },

    stop: () => observer.disconnect(),
  };
}
