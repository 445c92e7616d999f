import { headName, percent } from "../../model/format.js";
import { FORMULA_LETTERS, shownFormula } from "../../model/formula.js";
import { scoreText } from "../../model/ranking.js";
import { keyOf } from "../../model/stack.js";
import { make } from "../../ui/dom.js";

/** @import {Findings, Roles, Score, State, Store} from "../../types.js" */

/**
 * The roles of a head in words, each with its numbers.
 *
 * @param {Roles} found
 * @param {number} layer
 * @param {number} head
 */
export function roleLines({ roles, sink }, layer, head) {
  const inSink = sink.values[layer]?.[head] ?? null;
  const lines = roles
    .filter(({ held }) => held[layer]?.[head])
    .map(({ title, rule, choice, layer_queries, share, chance }) => {
      const [part, even] = [percent(share[layer]?.[head] ?? 0), chance[layer]?.[head] ?? null];
      const words =
        even === null ? `${part} normalised entropy without the sink` : `${part} of the attention outside the sink`;
      return {
        title,
        words: `${words} (${even === null ? "" : `${percent(even)} if attention were uniform; `}${layer_queries[layer]} queries counted)`,
        // The choice is about shares: the role without a comparison is an entropy.
        rule: even === null ? rule : `${rule}. ${choice}`,
      };
    });
  const ofAll = (/** @type {string} */ title, /** @type {string} */ rule) => ({
    title,
    words: `${percent(inSink ?? 0)} of all attention`,
    rule,
  });
  if (sink.delimiter.held[layer]?.[head]) lines.push(ofAll("delimiters", sink.delimiter.rule));
  if (sink.rests.held[layer]?.[head]) lines.push(ofAll("sink-dominated", sink.rests.rule));
  return { lines, sink: inSink };
}

/** @param {Findings} findings @param {number} layer @param {number} head */
function rolesOf(findings, layer, head) {
  if (!findings.roles)
    return [make("p", {}, "Roles describe attention within one text: the encoder and the decoder have them.")];
  const { lines, sink } = roleLines(findings.roles, layer, head);
  const items = lines.map(({ title, words, rule }) =>
    make("li", {}, make("b", { class: "defined", tabindex: "0", title: rule }, title), `: ${words}`),
  );
  const sinkLink = make("a", { href: "/docs/glossary#sink", target: "_blank" }, "sink");
  const sinkShare = sink === null ? [] : [` ${percent(sink)} of its attention is on the `, sinkLink, "."];
  return lines.length
    ? [make("ul", {}, ...items), make("p", {}, ...sinkShare)]
    : [make("p", {}, "No role fits this head on this text.", ...sinkShare)];
}

/** @param {Score} score @param {number} layer @param {number} head */
function rowOf({ title, unit, formula, source, choice, values, ranks, why }, layer, head) {
  const rank = ranks[layer]?.[head];
  const heads = ranks.flat().filter((other) => other !== null).length;
  const link = make("a", { href: source.link, rel: "noreferrer", target: "_blank" }, source.title);
  const details = make(
    "details",
    {},
    make("summary", { title: `${shownFormula(formula)}: ${choice}` }, title),
    make("p", {}, `${shownFormula(formula)}. ${FORMULA_LETTERS}`),
    make("p", {}, choice),
    ...(why ? [make("p", {}, `Not for cross-attention: ${why}.`)] : []),
    make("p", {}, link),
  );
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, details),
    make("td", { class: "number" }, scoreText(values[layer]?.[head], unit)),
    make("td", { class: "number" }, rank ? `${rank} of ${heads}` : ""),
  );
}

/** @param {State} state @param {number} layer @param {number} head */
function tableOf({ findings, overview, probeResult }, layer, head) {
  const headings = ["score", "value", "rank"].map((name) => make("th", { scope: "col" }, name));
  const isOfModel = probeResult?.model === overview?.capture.model.id;
  const probed = isOfModel && probeResult ? probeResult.scores : [];
  const scores = [
    ...(findings?.scores ?? []),
    ...probed.map((score) => ({ ...score, title: `${score.title} (in the probe)` })),
  ];
  return [
    make("h3", {}, `Scores of ${headName({ layer, head })}`),
    make(
      "table",
      {},
      make("caption", {}, "mean over its queries, and rank among all heads"),
      make("thead", {}, make("tr", {}, ...headings)),
      make("tbody", {}, ...scores.map((score) => rowOf(score, layer, head))),
    ),
  ];
}

/**
 * Shows something about the chosen head, once the scores and roles of all heads are there.
 *
 * @param {HTMLElement} place
 * @param {Store} store
 * @param {(state: State, findings: Findings, layer: number, head: number) => Node[]} contents
 * @returns {() => void} undo
 */
function mountCard(place, store, contents) {
  const render = () => {
    const state = store.get();
    const { findings, overview, layer, head } = state;
    const isWanted = state.score !== null || state.panel !== "";
    const isThere = isWanted && findings && findings.id === keyOf(overview?.capture) && layer !== null && head !== null;
    place.replaceChildren(...(isThere ? contents(state, findings, layer, head) : []));
  };
  render();
  return store.watch(["findings", "overview", "layer", "head", "probeResult", "score", "panel"], render);
}

/** The roles of the chosen head. @param {HTMLElement} place @param {Store} store */
export const mountRoles = (place, store) =>
  mountCard(place, store, (_, findings, layer, head) => rolesOf(findings, layer, head));

/** The scores of the chosen head, with their ranks. @param {HTMLElement} place @param {Store} store */
export const mountScoresCard = (place, store) =>
  mountCard(place, store, (state, _, layer, head) => tableOf(state, layer, head));
