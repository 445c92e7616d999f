import { headName, percent, plural, shortHeadName } from "../../model/format.js";
import { keyOf } from "../../model/stack.js";
import { colourbar, createChart } from "../../plot/charts.js";
import { colourName } from "../../plot/colour.js";
import { listening, make, need } from "../../ui/dom.js";

/** @import {HeadPlace, Similarity, State} from "../../types.js" */
/** @import {Tools} from "./panels.js" */

/** The result for the heads on the page, if it is there. @param {State} state */
export const resultOf = ({ similarity, overview }) =>
  similarity && similarity.id === keyOf(overview?.capture) ? similarity.result : null;

/** One colour for each layer, without blends between them. @param {number} layers */
function layerColours(layers) {
  return Array.from({ length: layers }, (_, layer) => {
    const colour = colourName(layer / Math.max(1, layers - 1), "linear");
    return [layer, layer + 1].map((end) => [end / layers, colour]);
  }).flat();
}

/** The head of each row. @param {Pick<Similarity, "of">} similarity */
const placesOf = ({ of }) => of.map(([layer, head]) => ({ layer, head }));

/** The row of a head; -1 for one that was not compared. @param {Similarity} similarity @param {number[]} place */
const rowOf = ({ of }, [layer, head]) => of.findIndex((each) => each[0] === layer && each[1] === head);

/** The legend has at most so many numbers. */
const MAX_TICKS = 12;

/**
 * Each head as a point, coloured by its layer; heads with similar attention are close together.
 *
 * @param {Similarity} similarity
 * @param {{layer: number | null, head: number | null}} chosen
 * @param {boolean} [narrow] true on a phone
 */
export function figure(similarity, chosen, narrow = false) {
  const { places } = similarity;
  const of = placesOf(similarity);
  const layers = Math.max(...of.map(({ layer }) => layer)) + 1;
  const isChosen = of.map(({ layer, head }) => layer === chosen.layer && head === chosen.head);
  const marker = {
    size: isChosen.map((is) => (is ? 15 : 9)),
    color: of.map(({ layer }) => layer),
    colorscale: layerColours(layers),
    // Each layer is in the middle of its colour.
    cmin: -0.5,
    cmax: layers - 0.5,
    colorbar: { ...colourbar("layer", narrow), tick0: 0, dtick: Math.ceil(layers / MAX_TICKS) },
    // The outline keeps layer 0 visible in the dark theme.
    line: { width: isChosen.map((is) => (is ? 3 : 1.5)), color: isChosen.map((is) => (is ? "#d6336c" : "#8a8d93")) },
  };
  const data = [
    {
      type: "scatter",
      mode: "markers",
      x: places.map(([x]) => x),
      y: places.map(([, y]) => y),
      text: of.map(headName),
      hoverinfo: "text",
      marker,
    },
  ];
  // Positions and directions have no meaning, only distances.
  const axis = { showticklabels: false, fixedrange: true, showgrid: false };
  const layout = {
    margin: { l: 8, t: 8, r: 8, b: narrow ? 56 : 8 },
    hovermode: "closest",
    xaxis: axis,
    yaxis: { ...axis, scaleanchor: "x" },
    showlegend: false,
  };
  return { data, layout };
}

/** The five heads most similar to the chosen one. @param {Similarity} similarity @param {number} layer @param {number} head */
export function nearest(similarity, layer, head) {
  const { jensen_shannon, cosine } = similarity;
  const [at, of] = [rowOf(similarity, [layer, head]), placesOf(similarity)];
  const others = (jensen_shannon[at] ?? []).map((bits, other) => ({
    ...(of[other] ?? { layer, head }),
    bits,
    cosine: cosine[at]?.[other] ?? 0,
  }));
  return others
    .filter((_, other) => other !== at)
    .sort((one, other) => one.bits - other.bits)
    .slice(0, 5);
}

/** A button that chooses a head. @param {HeadPlace} place @param {string} label */
const headButton = ({ layer, head }, label) =>
  make("button", { type: "button", "data-layer": String(layer), "data-head": String(head) }, label);

/** @param {HeadPlace} place @param {string} [more] */
const item = (place, more = "") => make("li", {}, headButton(place, headName(place)), more);

/** Two similar heads and the divergence between them. @param {Similarity} similarity @param {[number, number][]} pair */
function pairItem(similarity, pair) {
  const [one = 0, other = 0] = pair.map((place) => rowOf(similarity, place));
  const bits = similarity.jensen_shannon[one]?.[other] ?? 0;
  const [first, second] = pair.map(([layer, head]) => headButton({ layer, head }, shortHeadName({ layer, head })));
  return make("li", {}, first ?? "", " ~ ", second ?? "", `, ${bits.toFixed(3)} bits`);
}

/** @type {Record<string, string>} */
const COLLAPSE_NAMES = {
  sink: "first-token head",
  low_rank: "low rank",
  low_entropy: "low entropy",
  near_duplicate: "near-duplicates",
};

/** @param {Similarity} similarity @param {Similarity["collapse"][number]} measure */
function collapseOf(similarity, { name, rule, heads = [], pairs = [] }) {
  const count = heads.length + pairs.length;
  const items = [
    ...heads.map(([layer, head]) => item({ layer, head })),
    ...pairs.map((pair) => pairItem(similarity, pair)),
  ];
  const summary = `${COLLAPSE_NAMES[name] ?? name}: ${pairs.length ? plural(count, "pair") : count || "none"}`;
  return make("details", {}, make("summary", { title: rule }, summary), make("p", {}, rule), make("ul", {}, ...items));
}

/** @param {Similarity} similarity @param {State} state */
function lists(similarity, { layer, head }) {
  const chosen = layer === null || head === null ? null : { layer, head };
  const near = chosen ? nearest(similarity, chosen.layer, chosen.head) : [];
  const items = near.map(({ bits, cosine, ...place }) =>
    item(place, `: divergence ${bits.toFixed(3)} bits, cosine ${cosine.toFixed(2)}`),
  );
  const nearestList =
    chosen && near.length ? [make("h3", {}, `Most similar to ${headName(chosen)}`), make("ul", {}, ...items)] : [];
  return [
    ...nearestList,
    make("h3", {}, "Collapsed heads"),
    ...similarity.collapse.map((measure) => collapseOf(similarity, measure)),
  ];
}

/** @param {Similarity} similarity */
function explanation({ exact, rows, queries, map }) {
  const compared = exact ? "All queries are compared." : `${rows} of ${queries} queries, evenly spaced, are compared.`;
  return [
    make(
      "p",
      {},
      `Close points are similar heads. The two dimensions of the chart explain ${percent(map.shown)} of the variance, so distances are approximate.`,
    ),
    make("details", {}, make("summary", {}, "method"), make("p", {}, `${map.choice} ${compared}`)),
  ];
}

/** @param {HTMLElement} words @param {State} state */
function render(words, state) {
  const similarity = resultOf(state);
  words.replaceChildren(...(similarity ? [...explanation(similarity), ...lists(similarity, state)] : []));
}

/** For screen readers. */
const CHART =
  "scatter plot of the heads: heads with similar attention are close together; the nearest are listed beside it";

/** @param {HTMLElement} root @param {Tools} tools @returns {() => void} undo */
export function mount(root, { store, actions, loadPlotly, onChartError }) {
  need(root, ".chart").setAttribute("aria-label", CHART);
  const { on, undo } = listening();
  const words = need(root, ".words");
  /** @param {import("../../types.js").Size} _ @param {boolean} narrow */
  const current = (_, narrow) => {
    const state = store.get();
    const similarity = state.panel === "similarity" ? resultOf(state) : null;
    return similarity && figure(similarity, state, narrow);
  };
  /** @param {{pointIndex: number}} point */
  const choose = ({ pointIndex }) => {
    const [layer, head] = resultOf(store.get())?.of[pointIndex] ?? [];
    if (layer !== undefined && head !== undefined) actions.chooseHead(layer, head, "push");
  };
  const chart = createChart(root, loadPlotly, current, choose, onChartError);
  on(words, "click", ({ target }) => {
    const { layer, head } = target instanceof HTMLElement ? target.dataset : {};
    if (layer && head) actions.chooseHead(Number(layer), Number(head), "push");
  });
  const update = () => {
    render(words, store.get());
    chart.request();
  };
  update();
  const unwatch = store.watch(["similarity", "overview", "panel", "layer", "head", "dark"], update);
  return () => {
    unwatch();
    chart.stop();
    undo();
  };
}
