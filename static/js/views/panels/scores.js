import { rangeOf, scoreText } from "../../model/ranking.js";
import { createChart } from "../../plot/charts.js";
import { COLOURSCALE } from "../../plot/colour.js";
import { listening, make, need } from "../../ui/dom.js";

/** @import {CatalogueApi} from "../../api/analyses.js" */
/** @import {Actions, PlotlyLike, Score, State, Store} from "../../types.js" */

/** @typedef {{store: Store, actions: Actions, ask: CatalogueApi, loadPlotly: () => Promise<PlotlyLike>}} Tools */

/** The score that is on the map: the one chosen for the grid, or the first. @param {State} state */
export function mapped({ findings, overview, score }) {
  if (!findings || findings.id !== overview?.capture.id) return null;
  return findings.scores.find(({ name }) => name === score) ?? findings.scores[0] ?? null;
}

/**
 * Layers x heads of one score as Plotly's data and layout. Signed scores have white at 0.
 *
 * @param {Score} score
 * @param {{layer: number | null, head: number | null}} chosen
 */
export function figure({ title, unit, values }, chosen) {
  const range = rangeOf(values) ?? { least: 0, most: 1 };
  const far = Math.max(Math.abs(range.least), Math.abs(range.most));
  const signed = range.least < 0;
  const scale = signed
    ? {
        colorscale: [
          [0, "#2166ac"],
          [0.5, "#ffffff"],
          [1, "#b2182b"],
        ],
        zmin: -far,
        zmax: far,
      }
    : { colorscale: COLOURSCALE, zmin: unit === "share" ? 0 : range.least, zmax: range.most };
  const hover = values.map((row, layer) =>
    row.map((value, head) => `layer ${layer}, head ${head}: ${scoreText(value, unit)}`),
  );
  const bar = { title: { text: unit, side: "right" }, thickness: 10, outlinewidth: 0 };
  const data = [
    { type: "heatmap", z: values, text: hover, hoverinfo: "text", xgap: 2, ygap: 2, ...scale, colorbar: bar },
  ];
  const at = chosen.layer === null || chosen.head === null ? [] : [[chosen.head, chosen.layer]];
  const shapes = at.map(([x, y]) => ({
    type: "rect",
    x0: Number(x) - 0.5,
    x1: Number(x) + 0.5,
    y0: Number(y) - 0.5,
    y1: Number(y) + 0.5,
    line: { color: "#d6336c", width: 3 },
  }));
  const axis = { showgrid: false, fixedrange: true, dtick: values.length > 24 ? 4 : 1 };
  const layout = {
    margin: { l: 56, t: 8, r: 8, b: 44 },
    xaxis: { ...axis, dtick: (values[0]?.length ?? 0) > 24 ? 4 : 1, title: { text: "head" } },
    yaxis: { ...axis, autorange: "reversed", title: { text: "layer" } },
    shapes,
    meta: title,
  };
  return { data, layout };
}

/** @param {HTMLElement} root @param {State} state */
function renderWords(root, state) {
  root.hidden = state.panel !== "scores";
  const score = mapped(state);
  const none = score && !rangeOf(score.values) ? "No head has this score here: see below what is counted." : "";
  need(root, ".said").textContent = state.said || none;
  need(root, "h2").textContent = score ? `Every head by ${score.title}` : "Every head by a score";
  const { model } = state.overview?.capture ?? {};
  const probed = state.probe && state.probed?.model === model?.id ? state.probed : null;
  const lines = score && [
    make("p", {}, make("code", {}, score.formula), ` (${score.unit}): ${score.choice}.`),
    make("p", {}, make("a", { href: score.source.link, rel: "noreferrer", target: "_blank" }, score.source.title)),
  ];
  need(root, ".formula").replaceChildren(...(lines ?? []));
  need(root, ".probe").replaceChildren(...(probed ? probeLines(probed) : []));
}

/** The best head of each score of the probe. @param {NonNullable<State["probed"]>} probed */
function probeLines({ scores, choice }) {
  const items = scores.map(({ title, unit, values }) => {
    const range = rangeOf(values);
    const layer = values.findIndex((row) => row.includes(range?.most ?? null));
    const head = values[layer]?.indexOf(range?.most ?? null) ?? -1;
    const place = make(
      "button",
      { type: "button", "data-layer": String(layer), "data-head": String(head) },
      `layer ${layer}, head ${head}`,
    );
    return make("li", {}, `${title}: `, place, ` has most, ${scoreText(range?.most, unit)}`);
  });
  return [make("p", {}, `Standard probe: ${choice}.`), make("ul", {}, ...items)];
}

/** @param {HTMLElement} root @param {Tools} tools @returns {() => void} undo */
export function mount(root, { store, actions, loadPlotly }) {
  const { on, undo } = listening();
  const drawn = () => {
    const state = store.get();
    const score = state.panel === "scores" ? mapped(state) : null;
    return score && rangeOf(score.values) ? figure(score, state) : null;
  };
  const chart = createChart(root, loadPlotly, drawn, ({ x, y }) => actions.chooseHead(y, x, "push"));
  on(need(root, ".ask-probe"), "click", () => actions.adjust({ probe: true }));
  on(need(root, ".probe"), "click", ({ target }) => {
    const { layer, head } = target instanceof HTMLElement ? target.dataset : {};
    if (layer && head) actions.chooseHead(Number(layer), Number(head), "push");
  });
  const render = () => {
    renderWords(root, store.get());
    chart.request();
  };
  render();
  const looks = /** @type {const} */ ([
    "findings",
    "overview",
    "score",
    "panel",
    "layer",
    "head",
    "said",
    "probed",
    "dark",
  ]);
  const unsubscribe = store.subscribe((now, before) => {
    if (looks.some((name) => now[name] !== before[name])) render();
  });
  return () => {
    unsubscribe();
    chart.stop();
    undo();
  };
}
