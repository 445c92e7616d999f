import { counted, plural } from "../../model/format.js";
import { lacksEffects, layersOf } from "../../model/heads.js";
import { insteadOf } from "../../model/missing_layers.js";
import { stacksOf } from "../../model/stack.js";
import { make } from "../../ui/dom.js";
import { loadStyleSheet } from "../../ui/style_sheet.js";

/** @import {ModelCard, State, Store} from "../../types.js" */

/** @param {ModelCard} card */
function certificateText({ certificate, source }) {
  if (certificate)
    return `compared with ${certificate.reference} when it was loaded: largest difference ${Math.max(...certificate.max_abs_error).toExponential(0)}`;
  return source === "bundled" ? "compared with eager attention by the tests of Headscope" : "";
}

/** @type {Record<string, string>} */
const PREDICTIONS = {
  next_token: "the next token",
  masked_token: "a masked token",
  label: "a label of the text",
  token_label: "a label of each token",
  answer: "an answer within the text",
};
const MAX_LABELS = 160; // characters of the names of labels

/** What the head predicts, and the names of the labels, as far as there is room. @param {ModelCard} card */
function predictionText({ prediction, labels }) {
  const what = PREDICTIONS[prediction ?? ""] ?? "";
  const names = labels?.join(", ") ?? "";
  if (!what || !names) return what;
  return `${what}: ${names.length > MAX_LABELS ? `${names.slice(0, MAX_LABELS).trimEnd()} …` : names}`;
}

/** The numbers of layers, with runs of neighbours as ranges: 0–2, 4. @param {number[]} numbers */
export function rangesText(numbers) {
  /** @type {[number, number][]} */
  const runs = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}\u2013${to}`)).join(", ");
}

/** @param {ModelCard} card */
function withoutText(card) {
  const without = layersOf(card).filter(({ heads }) => !heads);
  return without.length ? `${rangesText(without.map(({ index }) => index))}: ${insteadOf(without)}` : "";
}

/** The sizes of the stacks of a model with an encoder and a decoder. @param {ModelCard} card */
const sizesOf = (card) =>
  stacksOf(card)
    .map(({ name, layers }) => {
      const heads = Math.max(...layers.map((layer) => layer.heads));
      return `${name}: ${plural(layers.length, "layer")} of ${plural(heads, "head")}`;
    })
    .join("; ");

/**
 * What is known about a model, as names and texts.
 *
 * @param {ModelCard} card
 * @returns {[string, string][]}
 */
export function factsOf(card) {
  const { family, layers, heads, kv_heads, max_tokens, max_target, parameters, revision, dtype, ignored } = card;
  const shared = kv_heads && heads && kv_heads < heads ? ` on ${plural(kv_heads, "key/value head")}` : "";
  /** @type {[string, string][]} */
  const facts = [
    ["family", family],
    [
      "size",
      sizesOf(card) || (layers && heads ? `${plural(layers, "layer")} of ${plural(heads, "head")}${shared}` : ""),
    ],
    ["parameters", parameters ? counted(parameters) : ""],
    ["longest text", max_tokens ? plural(max_tokens, "token") : ""],
    ["longest target", max_target ? plural(max_target, "token") : ""],
    ["predicts", predictionText(card)],
    ["certificate", certificateText(card)],
    ["no softmax attention", withoutText(card)],
    ["effects", lacksEffects(card) ? "not available: its projections are not known" : ""],
    ["weights not used", (ignored ?? []).join(", ")],
    ["data type", dtype ?? ""],
    ["revision", revision ?? ""],
  ];
  return facts.filter(([, text]) => text);
}

/** The card of the model whose heads are shown. @param {State} state */
const shownCard = ({ overview, models, model }) =>
  overview?.capture.card ?? overview?.capture.model ?? models.find(({ id }) => id === model);

/**
 * What is known about the model; loaded when it is opened for the first time.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @returns {Promise<() => void>} undo
 */
export async function mountCard(root, store) {
  await loadStyleSheet("panels");
  const list = make("dl");
  root.append(list);
  const render = () => {
    const card = shownCard(store.get());
    const facts = card ? factsOf(card) : [];
    list.replaceChildren(...facts.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
  };
  render();
  const unwatch = store.watch(["overview", "models", "model"], render);
  return () => {
    unwatch();
    list.remove();
  };
}
