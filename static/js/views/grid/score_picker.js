import { rangeOf, shownScore } from "../../model/ranking.js";
import { listening, need, setText } from "../../ui/dom.js";

/** @import {Actions, State, Store} from "../../types.js" */

/** Scores that a causal model cannot have. */
const NOT_CAUSAL = ["signed_distance", "next"];

const ONE_TOKEN = "it has only one token";

/** Why no head has a score on a text, by the name of the score. @type {Record<string, string>} */
const REASONS = {
  normalised_entropy: ONE_TOKEN,
  previous: ONE_TOKEN,
  next: ONE_TOKEN,
  first: ONE_TOKEN,
  delimiter: "it has no special tokens",
  punctuation: "it has no punctuation",
  duplicate: "no token occurs twice",
  // In "a a", the token after the earlier copy is the query itself.
  induction: "no token occurs again later",
};

/**
 * Why no head has a score.
 *
 * @param {string} name
 * @param {boolean | null} causal
 */
export function undefinedReason(name, causal) {
  if (causal && NOT_CAUSAL.includes(name)) return "Not defined for causal models.";
  const reason = REASONS[name];
  return `Not defined for this text${reason ? `: ${reason}` : ""}.`;
}

/** The chosen score, if no head has it. @param {State} state */
function undefinedScore(state) {
  const score = shownScore(state);
  return score && !rangeOf(score.values) ? score : null;
}

/** The message beside the picker. While a panel is open, the progress is shown there. @param {State} state */
function messageOf(state) {
  const missing = undefinedScore(state);
  if (missing?.why) return `Not for cross-attention: ${missing.why}.`;
  if (missing) return undefinedReason(missing.name, state.overview?.capture.model.causal ?? null);
  return shownScore(state) || state.panel ? "" : state.panelStatus.message;
}

/**
 * Why no head can have a score, by the name of the score; only scores that no text of this kind can have.
 *
 * @param {Pick<State, "overview">} state
 * @returns {Record<string, string>}
 */
export function undefinedScores({ overview }) {
  if (!overview) return {};
  const { model, tokens } = overview.capture;
  const ofCausal = NOT_CAUSAL.map((name) => [name, "not for causal models"]);
  return {
    ...(model.causal ? Object.fromEntries(ofCausal) : {}),
    ...(tokens.some(({ special }) => special) ? {} : { delimiter: "no special tokens" }),
  };
}

/** Disables the scores that are not defined, with the reason. @param {HTMLSelectElement} select @param {State} state */
function renderOptions(select, state) {
  const reasons = undefinedScores(state);
  for (const option of select.options) {
    const reason = reasons[option.value];
    option.dataset.title ??= option.text;
    option.disabled = reason !== undefined;
    setText(option, reason ? `${option.dataset.title} (${reason})` : option.dataset.title);
  }
}

/** @param {HTMLElement} root @param {State} state */
function render(root, state) {
  const { score, sort, top, panel, panelStatus } = state;
  /** @type {HTMLSelectElement} */
  const select = need(root, "#score");
  renderOptions(select, state);
  select.value = score ?? "";
  select.disabled = !state.overview;
  /** @type {HTMLSelectElement} */
  const most = need(root, "#top");
  most.value = String(top ?? "");
  need(root, ".ranked").hidden = score === null;
  need(root, "#sort").setAttribute("aria-pressed", String(sort));
  for (const control of root.querySelectorAll("#sort, #top")) control.toggleAttribute("disabled", !state.overview);
  const message = need(root, ".message");
  setText(message, messageOf(state));
  message.title = undefinedScore(state)?.choice ?? "";
  need(root, ".retry").hidden = panel !== "" || !panelStatus.retry;
}

/**
 * The score that colours the grid, sorts it and dims all but the highest. The colouring itself is loaded with the
 * panels.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountScorePicker(root, store, actions) {
  const { on, undo } = listening();
  const chosen = (/** @type {Event} */ event) => /** @type {HTMLSelectElement} */ (event.target).value;
  on(need(root, "#score"), "change", (event) => {
    const score = chosen(event) || null;
    actions.adjust(score ? { score } : { score, sort: false, top: null });
  });
  on(need(root, "#top"), "change", (event) => actions.adjust({ top: Number(chosen(event)) || null }));
  on(need(root, "#sort"), "click", () => actions.adjust({ sort: !store.get().sort }));
  on(need(root, ".retry"), "click", actions.retryPanels);
  render(root, store.get());
  const unwatch = store.watch(["score", "sort", "top", "panel", "panelStatus", "findings", "overview"], (now) =>
    render(root, now),
  );
  return () => {
    unwatch();
    undo();
  };
}
