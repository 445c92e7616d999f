/**
 * Shows a note beside a point of its section, turned inward where it would leave the window.
 *
 * @param {HTMLElement} tip absolutely positioned; its offset parent is the frame of x and y
 * @param {string} text
 * @param {{x: number, y: number}} at
 */
export function showTip(tip, text, at) {
  // Text a listener already heard is not said again: only a change of text is announced.
  if (tip.textContent !== text) tip.textContent = text;
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
