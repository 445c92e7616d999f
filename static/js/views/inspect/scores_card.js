import { headName, percent } from "../../model/format.js";
import { scoreText } from "../../model/ranking.js";
import { make } from "../../ui/dom.js";

/** @import {Findings, Score, State, Store} from "../../types.js" */

/**
 * What a head does, in words, each with the numbers behind it.
 *
 * @param {Findings} findings
 * @param {number} layer
 * @param {number} head
 */
export function roleLines({ roles: { roles, sink } }, layer, head) {
  const on = sink.values[layer]?.[head] ?? null;
  const lines = roles
    .filter(({ held }) => held[layer]?.[head])
    .map(({ title, rule, choice, queries, share, chance }) => {
      const [part, even] = [percent(share[layer]?.[head] ?? 0), chance[layer]?.[head] ?? null];
      const of =
        even === null
          ? `${part} of the entropy that is possible beside the sink`
          : `${part} of what is left beside the sink; evenly spread, ${percent(even)}`;
      return { title, words: `${of} (${queries} queries)`, rule: `${rule}, ${choice}` };
    });
  const all = (/** @type {string} */ title, /** @type {string} */ rule) => ({
    title,
    words: `${percent(on ?? 0)} of all attention`,
    rule,
  });
  if (sink.delimiter.held[layer]?.[head]) lines.push(all("delimiters", sink.delimiter.rule));
  if (sink.rests.held[layer]?.[head]) lines.push(all("rests on its sink", sink.rests.rule));
  return { lines, sink: on };
}

/** @param {Findings} findings @param {number} layer @param {number} head */
function rolesOf(findings, layer, head) {
  const { lines, sink } = roleLines(findings, layer, head);
  const items = lines.map(({ title, words, rule }) =>
    make("li", {}, make("b", { class: "defined", tabindex: "0", title: rule }, title), `: ${words}`),
  );
  const rest = sink === null ? "" : ` Its sink holds ${percent(sink)} of its attention.`;
  return lines.length
    ? [make("ul", {}, ...items), make("p", {}, rest)]
    : [make("p", {}, `None of the roles fits this head here.${rest}`)];
}

/** @param {Score} score @param {number} layer @param {number} head */
function rowOf({ title, unit, formula, source, choice, values, ranks }, layer, head) {
  const rank = ranks[layer]?.[head];
  const heads = ranks.flat().filter((other) => other !== null).length;
  const link = make("a", { href: source.link, rel: "noreferrer", target: "_blank" }, source.title);
  const more = make(
    "details",
    {},
    make("summary", { title: `${formula}: ${choice}` }, title),
    make("p", {}, formula),
    make("p", {}, choice),
    make("p", {}, link),
  );
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, more),
    make("td", { class: "number" }, scoreText(values[layer]?.[head], unit)),
    make("td", { class: "number" }, rank ? `${rank} of ${heads}` : ""),
  );
}

/** @param {State} state */
function table({ findings, overview, probed }, /** @type {number} */ layer, /** @type {number} */ head) {
  const headings = ["score", "value", "rank"].map((name) => make("th", { scope: "col" }, name));
  const ofProbe = probed?.model === overview?.capture.model.id ? probed?.scores : [];
  const rows = findings?.scores.map((score) => rowOf(score, layer, head)) ?? [];
  const probe =
    ofProbe?.map((score) => rowOf({ ...score, title: `${score.title}, standard probe` }, layer, head)) ?? [];
  return [
    make("h3", {}, `The scores of ${headName({ layer, head })}`),
    make(
      "table",
      {},
      make("caption", {}, "The mean over its queries, and its rank among all heads"),
      make("thead", {}, make("tr", {}, ...headings)),
      make("tbody", {}, ...rows, ...probe),
    ),
  ];
}

/**
 * The chosen head's roles, and its scores with their ranks, once they are there.
 *
 * @param {{roles: HTMLElement, scores: HTMLElement}} places
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountStanding(places, store) {
  const render = () => {
    const state = store.get();
    const { findings, overview, layer, head } = state;
    const isAsked = state.score !== null || state.panel !== "";
    const isThere = isAsked && findings && findings.id === overview?.capture.id && layer !== null && head !== null;
    places.roles.replaceChildren(...(isThere ? rolesOf(findings, layer, head) : []));
    places.scores.replaceChildren(...(isThere ? table(state, layer, head) : []));
  };
  render();
  const drawn = /** @type {const} */ (["findings", "overview", "layer", "head", "probed", "score", "panel"]);
  return store.subscribe((now, before) => {
    if (drawn.some((name) => now[name] !== before[name])) render();
  });
}
