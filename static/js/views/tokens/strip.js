import { isExact } from "../../model/matrix.js";
import { shownToken, tokenSentence, tokenWeights } from "../../model/token_weights.js";
import { shade } from "../../plot/colour.js";
import { listening, need } from "../../ui/dom.js";
import { lazyModule, mountOnEvent, mountWhen } from "../../ui/lazy.js";
import { createChunks } from "./long_text.js";

/** @import {Actions, Side, State, Store} from "../../types.js" */

const loadFind = lazyModule((query) => import(`./find.js${query}`));
const loadExactWeights = lazyModule((query) => import(`./exact_weights.js${query}`));

/**
 * Parts that are loaded when they are first needed: the search, and the exact weights of a token in a long text, whose
 * heatmap is pooled.
 *
 * @param {HTMLElement} find
 * @param {Store} store
 * @param {Actions} actions
 * @returns {(() => void)[]} undos
 */
function mountLater(find, store, actions) {
  return [
    mountOnEvent(
      need(find, "input"),
      ["focus", "input", "keydown"],
      () => true,
      async () => (await loadFind()).mountFind(find, store, actions),
      (error) => actions.showFailure(`the search did not load: ${error}`),
    ),
    mountWhen(
      store,
      ["pattern"],
      ({ pattern }) => pattern !== null && !isExact(pattern.matrix),
      async () => (await loadExactWeights()).mountLineLoader(store, actions),
      () => () => {}, // the weights stay as they are: correct, but less exact
    ),
  ];
}

/** @param {EventTarget | null} target */
function tokenAt(target) {
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

/**
 * How tokens are drawn, as a function of their position: the strength of the highlight colour, the classes, and whether
 * the token is pinned.
 *
 * @param {Pick<State, "pattern" | "side" | "hovered" | "token" | "scale" | "line">} state
 */
export function tokenStyles({ pattern, side, hovered, token, scale, line }) {
  const shown = shownToken({ token, side, hovered });
  const weightOf = pattern && shown !== null ? tokenWeights(pattern, shown, side, line) : () => 0;
  const partner = hovered[side === "query" ? "key" : "query"];
  return (/** @type {number} */ index) => {
    const weight = weightOf(index);
    const classes = [
      ...(weight === null ? ["masked"] : []),
      ...(index === shown ? ["shown"] : []),
      ...(index === partner ? ["partner"] : []),
    ];
    return {
      weight: `${Math.round(100 * shade(weight ?? 0, scale))}%`,
      classes: classes.join(" "),
      pinned: String(index === token),
    };
  };
}

/** Updates only the tokens whose style has changed: most have not. @param {Iterable<HTMLElement>} buttons @param {State} state */
function styleTokens(buttons, state) {
  const styleOf = tokenStyles(state);
  for (const button of buttons) {
    const { weight, classes, pinned } = styleOf(Number(button.dataset.token));
    const style = `${weight} ${classes} ${pinned}`;
    if (button.dataset.style === style) continue;
    button.dataset.style = style;
    button.style.setProperty("--weight", weight);
    button.className = classes;
    button.setAttribute("aria-pressed", pinned);
  }
}

/** @param {HTMLElement} root @param {State} state */
function renderText(root, state) {
  for (const radio of root.querySelectorAll("input[name=side]")) {
    if (radio instanceof HTMLInputElement) radio.checked = radio.value === state.side;
  }
  const shown = shownToken(state);
  // At the start, as the end of a long sentence is cut off.
  const unpin = matchMedia("(hover: none), (pointer: coarse)").matches ? "tap it again to unpin" : "Escape unpins it";
  const pinned = state.token === null ? "" : `pinned (${unpin}): `;
  const text =
    state.pattern && shown !== null ? pinned + tokenSentence(state.pattern, shown, state.side, state.line) : "";
  const readout = need(root, ".readout");
  if (readout.textContent !== text) readout.textContent = text;
}

/**
 * The buttons of the tokens, one of which the Tab key reaches.
 *
 * @param {HTMLElement} line
 * @param {Store} store
 */
function createTokens(line, store) {
  const chunks = createChunks(line, (buttons) => {
    styleTokens(buttons, store.get());
    markTabStop();
  });
  let tabStop = 0;

  function markTabStop() {
    for (const button of line.querySelectorAll("[tabindex='0']")) button.setAttribute("tabindex", "-1");
    line.querySelector(`[data-token="${tabStop}"]`)?.setAttribute("tabindex", "0");
  }

  return {
    stop: chunks.stop,
    reveal: chunks.reveal,
    style: () => styleTokens(line.querySelectorAll("button"), store.get()),
    /** @param {import("../../types.js").Token[]} tokens */
    show(tokens) {
      tabStop = 0;
      chunks.show(tokens);
    },
    /** @param {number} token */
    focus(token) {
      tabStop = token;
      const button = chunks.reveal(token);
      markTabStop();
      button?.focus({ preventScroll: true });
    },
  };
}

/**
 * The text in reading order. The token under the pointer highlights the others by their weights.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountStrip(root, store, actions) {
  const line = need(root, ".tokens");
  const { on, undo } = listening();
  const tokens = createTokens(line, store);

  /** @param {State} now @param {State | null} before */
  function render(now, before) {
    root.hidden = !now.pattern;
    need(root, ".spaces").hidden = !now.pattern?.capture.tokens.some(({ text }) => text.includes("\u00b7"));
    if (now.pattern?.capture !== before?.pattern?.capture) tokens.show(now.pattern?.capture.tokens ?? []);
    else tokens.style();
    if (now.token !== null && (now.token !== before?.token || !before.pattern)) tokens.reveal(now.token);
    renderText(root, now);
  }

  /** @param {number | null} token */
  const point = (token) => store.set({ hovered: { query: null, key: null, [store.get().side]: token } });
  /** @param {number | null} token */
  const pin = (token) => actions.adjust({ token: token === store.get().token ? null : token });

  /** @param {KeyboardEvent} event */
  function press(event) {
    const from = tokenAt(event.target);
    if (from === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = nextToken(event.key, from, store.get().pattern?.capture.tokens.length ?? 0);
    if (to !== null) tokens.focus(to);
    else if (event.key === "Escape") pin(null);
    else return;
    event.preventDefault();
  }

  for (const event of ["pointerover", "focusin"]) on(line, event, ({ target }) => point(tokenAt(target)));
  for (const event of ["pointerleave", "focusout"]) on(line, event, () => point(null));
  on(line, "click", ({ target }) => {
    const token = tokenAt(target);
    if (token !== null) pin(token);
  });
  on(line, "keydown", press);
  for (const radio of root.querySelectorAll("input[name=side]")) {
    on(radio, "change", ({ target }) => actions.adjust({ side: /** @type {Side} */ (target.value) }));
  }
  render(store.get(), null);
  const undos = [
    store.watch(["pattern", "hovered", "token", "side", "scale", "line"], render),
    ...mountLater(need(root, ".find"), store, actions),
    tokens.stop,
    undo,
  ];
  return () => {
    for (const each of undos) each();
  };
}
