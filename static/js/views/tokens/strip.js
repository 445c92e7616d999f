import { isExact } from "../../model/matrix.js";
import { isCross, tokensOf } from "../../model/stack.js";
import { shownToken, tokenSentence, tokenWeights } from "../../model/token_weights.js";
import { shade } from "../../plot/colour.js";
import { listening, need } from "../../ui/dom.js";
import { lazyModule, mountOnEvent, mountWhen } from "../../ui/lazy.js";
import { createChunks, nextToken, tokenAt } from "./long_text.js";

/** @import {Actions, Side, State, Store, Token} from "../../types.js" */

/** @typedef {(state: State) => Side | null} LineSide in cross-attention, whether the tokens of a line are the queries or the keys; else null */

const loadFind = lazyModule((query) => import(`./find.js${query}`));
const loadTargetLine = lazyModule((query) => import(`./target_line.js${query}`));
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

/**
 * How tokens are drawn, as a function of their position: the strength of the highlight colour, the classes, and whether
 * the token is pinned.
 *
 * @param {Pick<State, "pattern" | "side" | "hovered" | "token" | "scale" | "line">} state
 * @param {Side | null} [own] of the line
 */
export function tokenStyles({ pattern, side, hovered, token, scale, line }, own = null) {
  const [isOfShown, isOfOthers] = [own === null || own === side, own !== side];
  const all = shownToken({ token, side, hovered });
  const weightOf = pattern && all !== null && isOfOthers ? tokenWeights(pattern, all, side, line) : () => 0;
  const shown = isOfShown ? all : null;
  const partner = isOfOthers ? hovered[side === "query" ? "key" : "query"] : null;
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
      pinned: String(isOfShown && index === token),
    };
  };
}

/** Updates only the tokens whose style has changed: most have not. @param {Iterable<HTMLElement>} buttons @param {State} state @param {Side | null} side */
function styleTokens(buttons, state, side) {
  const styleOf = tokenStyles(state, side);
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

/**
 * The buttons of the tokens, one of which the Tab key reaches.
 *
 * @param {HTMLElement} line
 * @param {Store} store
 * @param {LineSide} sideOf
 */
function createTokens(line, store, sideOf) {
  const chunks = createChunks(line, (buttons) => {
    styleTokens(buttons, store.get(), sideOf(store.get()));
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
    style: () => styleTokens(line.querySelectorAll("button"), store.get(), sideOf(store.get())),
    /** @param {Token[]} tokens */
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
 * A text in reading order. The token under the pointer highlights the others by their weights.
 *
 * @param {HTMLElement} line
 * @param {Store} store
 * @param {Actions} actions
 * @param {LineSide} sideOf
 * @returns {() => void} undo
 */
function mountLine(line, store, actions, sideOf) {
  const { on, undo } = listening();
  const tokens = createTokens(line, store, sideOf);
  /** @param {State} state */
  const own = (state) => (state.pattern ? tokensOf(state.pattern.capture, sideOf(state) ?? "key") : []);

  /** @param {State} now @param {State | null} before */
  function render(now, before) {
    if (now.pattern?.capture !== before?.pattern?.capture) tokens.show(own(now));
    else tokens.style();
    const isHere = [null, now.side].includes(sideOf(now));
    if (isHere && now.token !== null && (now.token !== before?.token || !before.pattern)) tokens.reveal(now.token);
  }

  /** In cross-attention, the line decides whether its token is shown as a query or as a key. @param {number | null} token */
  function point(token) {
    const state = store.get();
    const side = sideOf(state) ?? state.side;
    const shown = token === null || state.token !== null ? {} : { side };
    store.set({ hovered: { query: null, key: null, [side]: token }, ...shown });
  }

  /** @param {number | null} token */
  function pin(token) {
    const state = store.get();
    const side = sideOf(state) ?? state.side;
    const isPinned = token === state.token && side === state.side;
    actions.adjust({ token: isPinned ? null : token, side });
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    const from = tokenAt(event.target);
    if (from === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = nextToken(event.key, from, own(store.get()).length);
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
  render(store.get(), null);
  const unwatch = store.watch(["pattern", "hovered", "token", "side", "scale", "line"], render);
  return () => {
    unwatch();
    tokens.stop();
    undo();
  };
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
 * The text by its tokens; in cross-attention, the target as well.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountStrip(root, store, actions) {
  const { on, undo } = listening();

  /** @param {State} state */
  function render(state) {
    root.hidden = !state.pattern;
    need(root, ".spaces").hidden = !state.pattern?.capture.tokens.some(({ text }) => text.includes("\u00b7"));
    renderText(root, state);
  }

  for (const radio of root.querySelectorAll("input[name=side]")) {
    on(radio, "change", ({ target }) => actions.adjust({ side: /** @type {Side} */ (target.value) }));
  }
  render(store.get());
  const undos = [
    store.watch(["pattern", "hovered", "token", "side", "line"], render),
    mountLine(need(root, ".tokens"), store, actions, ({ pattern }) =>
      pattern && isCross(pattern.capture) ? "key" : null,
    ),
    ...mountLater(need(root, ".find"), store, actions),
    mountWhen(
      store,
      ["pattern"],
      ({ pattern }) => pattern?.capture.stack !== undefined,
      async () =>
        (await loadTargetLine()).mountTargetLine(root, store, (/** @type {HTMLElement} */ line) =>
          mountLine(line, store, actions, () => "query"),
        ),
      (error) => actions.showFailure(`the tokens of the target did not load: ${error}`),
    ),
    undo,
  ];
  return () => {
    for (const each of undos) each();
  };
}
