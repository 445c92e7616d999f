import { make } from "./dom.js";

/** Milliseconds that a message stays. */
const DURATION = 4000;

/**
 * A place for short messages next to a button, such as "link copied". Screen readers announce them. It is in the page
 * before its first message, because most screen readers announce only changes of an element that they already know.
 *
 * @param {HTMLElement} button
 * @param {number} [duration]
 */
export function mountBriefMessage(button, duration = DURATION) {
  const place = make("span", { role: "status", class: "brief-message" });
  button.after(place);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return {
    /** @param {string} text */
    show(text) {
      clearTimeout(timer);
      place.textContent = text;
      timer = setTimeout(() => place.replaceChildren(), duration);
    },
    remove() {
      clearTimeout(timer);
      place.remove();
    },
  };
}
