import { shade } from "./colour.js";
import { listening, make, need } from "./dom.js";
import { gaze, gazeWords, shownToken } from "./gaze.js";

/** @import {Actions, Side, State, Store} from "./types.js" */

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

/** @param {HTMLElement} line @param {State} state */
function build(line, { pattern }) {
  const tokens = pattern?.capture.tokens ?? [];
  const parts = tokens.flatMap((token) => {
    const button = make("button", { type: "button", tabindex: token.index ? "-1" : "0" }, token.text);
    button.dataset.token = String(token.index);
    // The line breaks where the text does.
    return token.text.includes("\u21b5") ? [button, make("br")] : [button];
  });
  line.replaceChildren(...parts);
}

/**
 * How each token looks: how much of the mark's colour it has, its classes, and whether it is held.
 *
 * @param {Pick<State, "pattern" | "side" | "pointed" | "token" | "scale">} state
 */
export function looksOf({ pattern, side, pointed, token, scale }) {
  const shown = shownToken({ token, side, pointed });
  const weights = pattern && shown !== null ? gaze(pattern, shown, side) : [];
  const other = pointed[side === "query" ? "key" : "query"];
  return (pattern?.capture.tokens ?? []).map(({ index }) => {
    const weight = weights[index];
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
  });
}

/** Of a long text, most tokens look as before: those are left alone. @param {HTMLElement} line @param {State} state */
function shadeTokens(line, state) {
  const looks = looksOf(state);
  line.querySelectorAll("button").forEach((button, index) => {
    const { weight = "", classes = "", held = "" } = looks[index] ?? {};
    const look = `${weight} ${classes} ${held}`;
    if (button.dataset.look === look) return;
    button.dataset.look = look;
    button.style.setProperty("--weight", weight);
    button.className = classes;
    button.setAttribute("aria-pressed", held);
  });
}

/** @param {HTMLElement} root @param {State} state */
function renderWords(root, state) {
  for (const radio of root.querySelectorAll("input")) radio.checked = radio.value === state.side;
  const shown = shownToken(state);
  const held = state.token === null ? "" : " (held: Escape lets go)";
  const text = state.pattern && shown !== null ? gazeWords(state.pattern, shown, state.side) + held : "";
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

  /** @param {State} now @param {State | null} before */
  function render(now, before) {
    root.hidden = !now.pattern;
    if (now.pattern?.capture !== before?.pattern?.capture) build(line, now);
    shadeTokens(line, now);
    renderWords(root, now);
  }

  /** @param {number | null} token */
  const point = (token) => store.set({ pointed: { query: null, key: null, [store.get().side]: token } });
  /** @param {number | null} token */
  const hold = (token) => actions.adjust({ token: token === store.get().token ? null : token });

  /** @param {KeyboardEvent} event */
  function press(event) {
    const from = tokenAt(event.target);
    if (from === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = next(event.key, from, line.querySelectorAll("button").length);
    if (to !== null) {
      need(line, "[tabindex='0']").tabIndex = -1;
      const button = need(line, `[data-token="${to}"]`);
      button.tabIndex = 0;
      button.focus();
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
  for (const radio of root.querySelectorAll("input")) {
    on(radio, "change", () => actions.adjust({ side: /** @type {Side} */ (radio.value) }));
  }
  render(store.get(), null);
  const drawn = /** @type {const} */ (["pattern", "pointed", "token", "side", "scale"]);
  const unsubscribe = store.subscribe((now, before) => {
    if (drawn.some((name) => now[name] !== before[name])) render(now, before);
  });
  return () => {
    unsubscribe();
    undo();
  };
}
