import { headName, percent, plural } from "../../model/format.js";
import { createChart } from "../../plot/charts.js";
import { colourName } from "../../plot/colour.js";
import { make, need } from "../../ui/dom.js";

/** @import {CatalogueApi} from "../../api/analyses.js" */
/** @import {Actions, PlotlyLike, Similarity, State, Store} from "../../types.js" */

/** @typedef {{store: Store, actions: Actions, ask: CatalogueApi, loadPlotly: () => Promise<PlotlyLike>}} Tools */

/** @param {State} state */
export const alikeOf = ({ alike, overview }) => (alike && alike.id === overview?.capture.id ? alike.of : null);

/**
 * Each head a point, coloured by its layer; heads that look at the same lie together.
 *
 * @param {Similarity} alike
 * @param {{layer: number | null, head: number | null}} chosen
 */
export function figure({ places, heads }, chosen) {
  const layers = places.length / heads;
  const of = places.map((_, at) => ({ layer: Math.floor(at / heads), head: at % heads }));
  const isChosen = of.map(({ layer, head }) => layer === chosen.layer && head === chosen.head);
  const marker = {
    size: isChosen.map((is) => (is ? 15 : 9)),
    color: of.map(({ layer }) => colourName(layers > 1 ? layer / (layers - 1) : 0, "linear")),
    line: { width: isChosen.map((is) => (is ? 3 : 0.5)), color: isChosen.map((is) => (is ? "#d6336c" : "#888")) },
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
  const axis = { showticklabels: false, fixedrange: true };
  const layout = {
    margin: { l: 8, t: 8, r: 8, b: 8 },
    hovermode: "closest",
    xaxis: axis,
    yaxis: { ...axis, scaleanchor: "x" },
    showlegend: false,
  };
  return { data, layout };
}

/** The heads most like the chosen one. @param {Similarity} alike @param {number} layer @param {number} head */
export function nearest({ jensen_shannon, cosine, heads }, layer, head) {
  const at = layer * heads + head;
  const others = (jensen_shannon[at] ?? []).map((bits, other) => ({
    layer: Math.floor(other / heads),
    head: other % heads,
    bits,
    cosine: cosine[at]?.[other] ?? 0,
  }));
  return others
    .filter((_, other) => other !== at)
    .sort((one, other) => one.bits - other.bits)
    .slice(0, 5);
}

/** @param {{layer: number, head: number}} place @param {string} [more] */
const link = ({ layer, head }, more = "") =>
  make(
    "li",
    {},
    make(
      "button",
      { type: "button", "data-layer": String(layer), "data-head": String(head) },
      headName({ layer, head }),
    ),
    more,
  );

/** @param {Similarity} alike @param {State} state */
function lists(alike, { layer, head }) {
  const near = layer === null || head === null ? [] : nearest(alike, layer, head);
  const of = layer === null || head === null ? "" : headName({ layer, head });
  const parts = near.length
    ? [
        make("h3", {}, `Most like ${of}`),
        make(
          "ul",
          {},
          ...near.map((place) =>
            link(place, `: ${place.bits.toFixed(3)} bits apart, cosine ${place.cosine.toFixed(2)}`),
          ),
        ),
      ]
    : [];
  return [...parts, make("h3", {}, "Collapsed"), ...alike.collapse.map(collapseOf)];
}

/** @type {Record<string, string>} */
const NAMES = {
  sink: "on the first token",
  low_rank: "low rank",
  low_entropy: "one key each",
  near_duplicate: "near-duplicates",
};

/** @param {Similarity["collapse"][number]} measure */
function collapseOf({ name, rule, heads = [], pairs = [] }) {
  const count = heads.length + pairs.length;
  const places = [...heads, ...pairs.flat()].map(([layer, head]) => link({ layer, head }));
  const words = make(
    "summary",
    { title: rule },
    `${NAMES[name] ?? name}: ${pairs.length ? plural(count, "pair") : count || "none"}`,
  );
  return make("details", {}, words, make("p", {}, rule), make("ul", {}, ...places));
}

/** @param {HTMLElement} root @param {State} state */
function render(root, state) {
  root.hidden = state.panel !== "similarity";
  const alike = alikeOf(state);
  need(root, ".said").textContent = alike ? "" : state.said;
  if (!alike) return need(root, ".lists").replaceChildren();
  const rows = alike.exact ? "all its queries" : `${alike.rows} of its ${alike.queries} queries, evenly spaced`;
  const shown = `The map shows ${percent(alike.map.shown)} of what tells the heads apart (${alike.map.choice}), from ${rows}. Its colours are the layers, from dark to bright.`;
  need(root, ".lists").replaceChildren(make("p", {}, shown), ...lists(alike, state));
}

/** @param {HTMLElement} root @param {Tools} tools @returns {() => void} undo */
export function mount(root, { store, actions, loadPlotly }) {
  const drawn = () => {
    const state = store.get();
    const alike = state.panel === "similarity" ? alikeOf(state) : null;
    return alike && figure(alike, state);
  };
  const chart = createChart(root, loadPlotly, drawn, ({ pointIndex }) => {
    const heads = alikeOf(store.get())?.heads;
    if (heads) actions.chooseHead(Math.floor(pointIndex / heads), pointIndex % heads, "push");
  });
  const choose = (/** @type {Event} */ { target }) => {
    const { layer, head } = target instanceof HTMLElement ? target.dataset : {};
    if (layer && head) actions.chooseHead(Number(layer), Number(head), "push");
  };
  need(root, ".lists").addEventListener("click", choose);
  const update = () => {
    render(root, store.get());
    chart.request();
  };
  update();
  const looks = /** @type {const} */ (["alike", "overview", "panel", "layer", "head", "said", "dark"]);
  const unsubscribe = store.subscribe((now, before) => {
    if (looks.some((name) => now[name] !== before[name])) update();
  });
  return () => {
    unsubscribe();
    chart.stop();
    need(root, ".lists").removeEventListener("click", choose);
  };
}
