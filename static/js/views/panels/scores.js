import { headName } from "../../model/format.js";
import { FORMULA_LETTERS, shownFormula } from "../../model/formula.js";
import { hasHead, whyNone } from "../../model/heads.js";
import { rangeOf, scoreText } from "../../model/ranking.js";
import { keyOf } from "../../model/stack.js";
import { colourbar, createChart } from "../../plot/charts.js";
import { COLOURSCALE } from "../../plot/colour.js";
import { SIGNED } from "../../plot/signed_figure.js";
import { listening, make, need } from "../../ui/dom.js";
import { mountScoresCard } from "../inspect/roles_and_scores.js";

/** @import {ModelCard, Score, State} from "../../types.js" */
/** @import {Tools} from "./panels.js" */

/** The score in the chart: the one that colours the grid, or else the first. @param {State} state */
export function chartScore({ findings, overview, score }) {
  if (!findings || findings.id !== keyOf(overview?.capture)) return null;
  return findings.scores.find(({ name }) => name === score) ?? findings.scores[0] ?? null;
}

/** @param {Score} score */
function colours({ unit, values }) {
  const { least, most } = rangeOf(values) ?? { least: 0, most: 1 };
  const limit = Math.max(Math.abs(least), Math.abs(most));
  if (least < 0) return { colorscale: SIGNED, zmin: -limit, zmax: limit };
  return { colorscale: COLOURSCALE, zmin: unit === "share" ? 0 : least, zmax: most };
}

/** A frame around the chosen head. @param {{layer: number | null, head: number | null}} chosen */
function frames({ layer, head }) {
  if (layer === null || head === null) return [];
  const box = { x0: head - 0.5, x1: head + 0.5, y0: layer - 0.5, y1: layer + 0.5 };
  return [{ type: "rect", ...box, line: { color: "#d6336c", width: 3 } }];
}

/** Tick labels, at most 24. @param {number} count */
const ticks = (count) => ({ dtick: count > 24 ? 4 : 1 });

/**
 * Plotly's data and layout for one score: [layer, head].
 *
 * @param {Score} score
 * @param {{layer: number | null, head: number | null}} chosen
 * @param {boolean} [narrow] true on a phone
 * @param {ModelCard} [model]
 */
export function figure(score, chosen, narrow = false, model) {
  const { title, unit, values } = score;
  const text = values.map((row, layer) =>
    row.map((value, head) => {
      if (hasHead(model, { layer, head })) return `${headName({ layer, head })}: ${scoreText(value, unit)}`;
      return whyNone(model, layer) || `layer ${layer} has no head ${head}`;
    }),
  );
  const colorbar = colourbar(unit, narrow);
  const data = [{ type: "heatmap", z: values, text, hoverinfo: "text", xgap: 2, ygap: 2, ...colours(score), colorbar }];
  const axis = { showgrid: false, fixedrange: true };
  const layout = {
    margin: { l: 56, t: narrow ? 44 : 8, r: 8, b: narrow ? 56 : 44 },
    // Above the cells if the colour bar is below them.
    xaxis: {
      ...axis,
      ...ticks(values[0]?.length ?? 0),
      title: { text: "head" },
      ...(narrow ? { side: "top" } : {}),
    },
    yaxis: { ...axis, ...ticks(values.length), autorange: "reversed", title: { text: "layer" } },
    shapes: frames(chosen),
    meta: title,
  };
  return { data, layout };
}

/** A button that chooses a head. @param {number} layer @param {number} head */
const headButton = (layer, head) =>
  make(
    "button",
    { type: "button", "data-layer": String(layer), "data-head": String(head) },
    `layer ${layer}, head ${head}`,
  );

/** The head with the highest score, for each score of the probe. @param {NonNullable<State["probeResult"]>} probe */
function probeLines({ scores, choice }) {
  const items = scores.map(({ title, unit, values }) => {
    const most = rangeOf(values)?.most ?? null;
    if (most === null) return make("li", {}, `${title}: not defined`);
    const layer = values.findIndex((row) => row.includes(most));
    const head = values[layer]?.indexOf(most) ?? -1;
    return make("li", {}, `${title}: highest in `, headButton(layer, head), `, ${scoreText(most, unit)}`);
  });
  return [make("p", {}, `Induction probe: ${choice}.`), make("ul", {}, ...items)];
}

/** @param {Score} score */
const formulaLines = ({ formula, unit, choice, source }) => [
  make("p", {}, make("code", {}, shownFormula(formula)), ` (${unit}): ${choice}. ${FORMULA_LETTERS}`),
  make("p", {}, make("a", { href: source.link, rel: "noreferrer", target: "_blank" }, source.title)),
];

/** @param {HTMLElement} root @param {State} state */
function renderWords(root, state) {
  const score = chartScore(state);
  need(root, "h2").textContent = score ? `Score of each head: ${score.title}` : "Score of each head";
  const none =
    score && !rangeOf(score.values)
      ? [
          make(
            "p",
            {},
            score.why ? `Not defined for cross-attention: ${score.why}.` : "No head has this score on this text.",
          ),
        ]
      : [];
  need(root, ".formula").replaceChildren(...none, ...(score ? formulaLines(score) : []));
  const { model } = state.overview?.capture ?? {};
  const probe = state.probe && state.probeResult?.model === model?.id ? state.probeResult : null;
  need(root, ".run-probe").toggleAttribute("disabled", !model);
  need(root, ".probe").replaceChildren(...(probe ? probeLines(probe) : []));
}

/** @param {HTMLElement} words */
function build(words) {
  const title =
    "previous-token, duplicate-token and induction scores on repeated random tokens, independent of the text";
  words.replaceChildren(
    make("div", { class: "formula" }),
    make("p", {}, make("button", { type: "button", class: "run-probe", title }, "induction probe")),
    make("div", { class: "probe" }),
    make("div", { class: "scores-card" }),
  );
}

/** For screen readers. */
const CHART = "heatmap of the score: rows are layers, columns are heads; each cell of the grid has the same number";

/** @param {HTMLElement} root @param {Tools} tools @returns {() => void} undo */
export function mount(root, { store, actions, loadPlotly, onChartError }) {
  const { on, undo } = listening();
  need(root, ".chart").setAttribute("aria-label", CHART);
  build(need(root, ".words"));
  /** @param {import("../../types.js").Size} _ @param {boolean} narrow */
  const current = (_, narrow) => {
    const state = store.get();
    const score = state.panel === "scores" ? chartScore(state) : null;
    return score && rangeOf(score.values) ? figure(score, state, narrow, state.overview?.capture.model) : null;
  };
  /** @param {{x: number, y: number}} point */
  const choose = ({ x, y }) => actions.chooseHead(y, x, "push");
  const chart = createChart(root, loadPlotly, current, choose, onChartError);
  on(need(root, ".run-probe"), "click", () => actions.adjust({ probe: true }));
  on(need(root, ".probe"), "click", ({ target }) => {
    const { layer, head } = target instanceof HTMLElement ? target.dataset : {};
    if (layer && head) actions.chooseHead(Number(layer), Number(head), "push");
  });
  const render = () => {
    renderWords(root, store.get());
    chart.request();
  };
  render();
  const undos = [
    mountScoresCard(need(root, ".scores-card"), store),
    store.watch(["findings", "overview", "score", "panel", "layer", "head", "probe", "probeResult", "dark"], render),
    chart.stop,
    undo,
  ];
  return () => {
    for (const each of undos) each();
  };
}
