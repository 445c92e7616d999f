import { listening, make, need } from "./dom.js";
import { OTHER } from "./hub_model.js";

/** @import {ModelCard, State, Store} from "../types.js" */

/**
 * @typedef {object} Wishes
 * @property {(question: {text: string, text_pair: string}) => void} run
 * @property {(text: string) => void} runProbe
 * @property {(model: string) => void} chooseModel
 * @property {() => void} retry
 * @property {() => void} cut
 * @property {() => void} toggleDark
 */

/** @param {ModelCard} card */
export function modelLabel(card) {
  const size = card.layers && card.heads ? `${card.layers} × ${card.heads}` : "";
  // Options collapse plain spaces.
  return [card.id, size, card.state].filter(Boolean).join("\u2003");
}

/** @param {HTMLSelectElement} select @param {State} state */
function renderModels(select, state) {
  const known = state.models.some((card) => card.id === state.model);
  const options = state.models.map((card) => make("option", { value: card.id }, modelLabel(card)));
  if (!known) options.unshift(make("option", { value: state.model }, state.model));
  select.replaceChildren(...options, make("option", { value: OTHER }, "another, of the hub …"));
  select.value = state.model;
  select.disabled = !state.models.length;
}

/** @param {HTMLElement} root @param {State} state */
function renderProbes(root, state) {
  let lookFor = "";
  for (const button of root.querySelectorAll("button[data-text]")) {
    const chosen = button instanceof HTMLElement && button.dataset.text === state.text;
    button.setAttribute("aria-pressed", String(chosen));
    if (chosen) lookFor = button.dataset.lookFor ?? "";
  }
  return lookFor;
}

/** Said only when it changes: a listener hears it once. @param {HTMLElement} line @param {string} text */
function say(line, text) {
  if (line.textContent !== text) line.textContent = text;
}

/** @param {State} state */
function renderStatus({ status }) {
  const wrong = status.kind === "error";
  say(need(document, "#status"), wrong ? "" : status.message);
  say(need(document, "#error"), wrong ? status.message : "");
  for (const field of ["text", "text-pair", "model"]) {
    need(document, `#${field}`).setAttribute("aria-invalid", String(wrong && status.about === field));
  }
  need(document, "#retry").hidden = !status.retry;
  need(document, "#cut").hidden = !status.cuts;
}

/**
 * True while the pictures, or some of them, belong to a text or model that is no longer asked about.
 *
 * @param {Pick<State, "status" | "overview" | "pattern">} state
 */
export function isBehind({ status, overview, pattern }) {
  return status.kind === "busy" || (!!overview && !!pattern && overview.capture.id !== pattern.capture.id);
}

/** What is behind only stands by. @param {State} state */
function renderBusy(state) {
  const views = need(document, ".views");
  const behind = isBehind(state);
  views.setAttribute("aria-busy", String(behind));
  // Of a run that goes on, the heads that are there are the new text's: one of them may be chosen already.
  const isArriving = state.overview?.capture.id === "";
  for (const section of views.querySelectorAll("section")) {
    section.inert = behind && !(isArriving && section.matches(".grid"));
  }
}

/**
 * Everything above the pictures: model, text, probes, status, theme.
 *
 * @param {Store} store
 * @param {Wishes} wishes
 * @returns {() => void} undo
 */
export function mountControls(store, wishes) {
  /** @type {HTMLTextAreaElement} */
  const box = need(document, "#text");
  /** @type {HTMLTextAreaElement} */
  const pair = need(document, "#text-pair");
  /** @type {HTMLSelectElement} */
  const select = need(document, "#model");
  const [probes, lookFor] = [need(document, ".try"), need(document, "#look-for")];
  const { on, undo } = listening();
  const settled = () => renderProbes(probes, store.get());
  const run = () => wishes.run({ text: box.value, text_pair: pair.value });

  /** @param {State} now @param {State | null} before */
  function render(now, before) {
    if (now.models !== before?.models || now.model !== before.model) renderModels(select, now);
    if (now.text !== before?.text) {
      box.value = now.text;
      lookFor.textContent = settled();
    }
    if (now.status !== before?.status) renderStatus(now);
    if (now.notice !== before?.notice) say(need(document, "#notice"), now.notice);
    renderBusy(now);
    say(need(document, "#dark .word"), now.dark ? "light" : "dark");
  }

  /** @param {Event} event */
  const probe = (event) => (event.target instanceof HTMLElement ? event.target.closest("button") : null);
  on(need(document, "#ask"), "submit", (event) => {
    event.preventDefault();
    run();
  });
  for (const each of [box, pair]) {
    on(each, "keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
    });
  }
  on(select, "change", () => select.value === OTHER || wishes.chooseModel(select.value));
  on(probes, "click", (event) => {
    const text = probe(event)?.dataset.text;
    if (text !== undefined) wishes.runProbe(text);
  });
  for (const event of ["pointerover", "focusin"]) {
    on(probes, event, (happened) => {
      lookFor.textContent = probe(happened)?.dataset.lookFor ?? settled();
    });
  }
  for (const event of ["pointerleave", "focusout"]) {
    on(probes, event, () => {
      lookFor.textContent = settled();
    });
  }
  on(need(document, "#retry"), "click", wishes.retry);
  on(need(document, "#cut"), "click", wishes.cut);
  on(need(document, "#dark"), "click", wishes.toggleDark);
  render(store.get(), null);
  const unsubscribe = store.subscribe(render);
  return () => {
    unsubscribe();
    undo();
  };
}
