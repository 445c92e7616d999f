import { setText } from "./dom.js";

/**
 * Shows a tooltip next to a point, moved so that it stays inside the window.
 *
 * @param {HTMLElement} tip absolutely positioned; x and y are relative to its offset parent
 * @param {string} text
 * @param {{x: number, y: number}} at
 */
export function showTip(tip, text, at) {
  setText(tip, text);
  placeTip(tip, at);
}

/**
 * @param {HTMLElement} tip
 * @param {{x: number, y: number}} at
 */
export function placeTip(tip, at) {
  tip.hidden = false;
  const frame = tip.offsetParent?.getBoundingClientRect() ?? new DOMRect();
  const room = document.documentElement.clientWidth - frame.left;
  const left = Math.max(4 - frame.left, Math.min(at.x + 12, room - tip.offsetWidth - 4));
  const below = frame.top + at.y + 16 + tip.offsetHeight < window.innerHeight;
  tip.style.left = `${left}px`;
  tip.style.top = `${below ? at.y + 16 : at.y - 8 - tip.offsetHeight}px`;
}

/** @param {HTMLElement} tip */
export function hideTip(tip) {
  tip.hidden = true;
  tip.textContent = "";
}
