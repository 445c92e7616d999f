import { gaze, gazeWords, shownToken } from "../../model/token_row.js";
import { shade } from "../../plot/colour.js";
import { listening, need } from "../../ui/dom.js";
import { createChunks } from "./chunks.js";

/** @import {Actions, Side, State, Store} from "../../types.js" */

/** @param {EventTarget | null} target */
function tokenAt(target) {
  const found = target instanceof Element ? target.closest("button") : null;
  return found ? Number(found.dataset.token) : null;
}

/**
 * Where a key leads from a token; null for keys that do not walk.
 *
 * @param {string} key
 * @param {number} from
 * @param {number} count
 */
export function next(key, from, count) {
  /** @type {Record<string, number>} */
  const steps = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: count - 1 };
  const to = steps[key];
  return to === undefined ? null : Math.min(count - 1, Math.max(0, to));
}

/**
 * How a token looks, by its position: how much of the mark's colour it has, its classes, and whether it is held.
 *
 * @param {Pick<State, "pattern" | "side" | "hovered" | "token" | "scale" | "line">} state
 */
export function lookOf({ pattern, side, hovered, token, scale, line }) {
  const shown = shownToken({ token, side, hovered });
  const weightOf = pattern && shown !== null ? gaze(pattern, shown, side, line) : () => 0;
  const other = hovered[side === "query" ? "key" : "query"];
  return (/** @type {number} */ index) => {
    const weight = weightOf(index);
    const classes = [
      ...(weight === null ? ["masked"] : []),
      ...(index === shown ? ["shown"] : []),
      ...(index === other ? ["other"] : []),
    ];
    return {
      weight: `${Math.round(100 * shade(weight ?? 0, scale))}%`,
      classes: classes.join(" "),
      held: String(index === token),
    };
  };
}

/** Most tokens look as before: those are left alone. @param {Iterable<HTMLElement>} buttons @param {State} state */
function shadeTokens(buttons, state) {
  const looks = lookOf(state);
  for (const button of buttons) {
    const { weight, classes, held } = looks(Number(button.dataset.token));
    const look = `${weight} ${classes} ${held}`;
    if (button.dataset.look === look) continue;
    button.dataset.look = look;
    button.style.setProperty("--weight", weight);
    button.className = classes;
    button.setAttribute("aria-pressed", held);
  }
}

/** @param {HTMLElement} root @param {State} state */
function renderWords(root, state) {
  for (const radio of root.querySelectorAll("input[name=side]")) {
    if (radio instanceof HTMLInputElement) radio.checked = radio.value === state.side;
  }
  const shown = shownToken(state);
  // First, as the end of a long sentence is cut off.
  const held = state.token === null ? "" : "held, Escape lets go: ";
  const text = state.pattern && shown !== null ? held + gazeWords(state.pattern, shown, state.side, state.line) : "";
  const said = need(root, ".said");
  if (said.textContent !== text) said.textContent = text;
}

/**
 * The text in reading order; the token one points at shades the others by where it looks, or by who looks at it.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountStrip(root, store, actions) {
  const line = need(root, ".tokens");
  const { on, undo } = listening();
  const chunks = createChunks(line, (buttons) => {
    shadeTokens(buttons, store.get());
    focusable();
  });
  /** The one that Tab leads to. */
  let stop = 0;

  function focusable() {
    for (const button of line.querySelectorAll("[tabindex='0']")) button.setAttribute("tabindex", "-1");
    line.querySelector(`[data-token="${stop}"]`)?.setAttribute("tabindex", "0");
  }

  /** @param {State} now @param {State | null} before */
  function render(now, before) {
    root.hidden = !now.pattern;
    if (now.pattern?.capture !== before?.pattern?.capture) {
      stop = 0;
      chunks.show(now.pattern?.capture.tokens ?? []);
    } else shadeTokens(line.querySelectorAll("button"), now);
    if (now.token !== null && (now.token !== before?.token || !before.pattern)) chunks.reveal(now.token);
    renderWords(root, now);
  }

  /** @param {number | null} token */
  const point = (token) => store.set({ hovered: { query: null, key: null, [store.get().side]: token } });
  /** @param {number | null} token */
  const hold = (token) => actions.adjust({ token: token === store.get().token ? null : token });

  /** @param {KeyboardEvent} event */
  function press(event) {
    const from = tokenAt(event.target);
    if (from === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = next(event.key, from, store.get().pattern?.capture.tokens.length ?? 0);
    if (to !== null) {
      stop = to;
      const button = chunks.reveal(to);
      focusable();
      button?.focus({ preventScroll: true });
    } else if (event.key === "Escape") hold(null);
    else return;
    event.preventDefault();
  }

  on(line, "pointerover", (event) => point(tokenAt(event.target)));
  on(line, "focusin", (event) => point(tokenAt(event.target)));
  on(line, "pointerleave", () => point(null));
  on(line, "focusout", () => point(null));
  on(line, "click", (event) => {
    const token = tokenAt(event.target);
    if (token !== null) hold(token);
  });
  on(line, "keydown", press);
  for (const radio of root.querySelectorAll("input[name=side]")) {
    on(radio, "change", ({ target }) => actions.adjust({ side: /** @type {Side} */ (target.value) }));
  }
  render(store.get(), null);
  const drawn = /** @type {const} */ (["pattern", "hovered", "token", "side", "scale", "line"]);
  const unsubscribe = store.subscribe((now, before) => {
    if (drawn.some((name) => now[name] !== before[name])) render(now, before);
  });
  return () => {
    unsubscribe();
    chunks.stop();
    undo();
  };
}
