import { clip, escapeLabel, quote, weight } from "../../model/format.js";
import { isMasked } from "../../model/matrix.js";
import { createChart } from "../../plot/charts.js";
import { COLOURSCALE, colourbarTicks, shade } from "../../plot/colour.js";
import { listening, make, need } from "../../ui/dom.js";

/** @import {CatalogueApi} from "../../api/analyses.js" */
/** @import {Actions, Matrix, PlotlyLike, ScaleName, State, Store, Token} from "../../types.js" */

/** @typedef {{store: Store, actions: Actions, ask: CatalogueApi, loadPlotly: () => Promise<PlotlyLike>}} Tools */

/** More tokens than this, and a flow takes too long. */
const MOST_OF_FLOW = 128;

/** @param {State} state */
export const rolledOf = ({ rolled, overview }) => (rolled && rolled.id === overview?.capture.id ? rolled : null);

/**
 * Labels of at most so many of the tokens: one for each would take half a minute to draw.
 *
 * @param {Token[]} tokens
 * @param {number} most
 */
function ticks(tokens, most) {
  const many = tokens.length > most;
  const step = Math.ceil(tokens.length / most);
  const some = tokens.filter((_, at) => at % step === 0);
  return {
    tickvals: some.map(({ index }) => index),
    ticktext: some.map(({ index, text }) => escapeLabel(many ? `${index} ${clip(text, 10)}` : clip(text, 14))),
  };
}

/**
 * @param {Matrix} matrix
 * @param {Token[]} tokens
 * @param {ScaleName} scale
 * @param {boolean | null} causal
 */
export function figure(matrix, tokens, scale, causal) {
  const { rows, columns, values, queryStep, keyStep } = matrix;
  const z = Array.from({ length: rows }, (_, row) => [...values.subarray(row * columns, (row + 1) * columns)]);
  const name = (/** @type {number} */ at) => escapeLabel(quote(tokens[at]?.text ?? ""));
  const text = z.map((of, row) =>
    of.map((value, column) => `${name(column * keyStep)} to ${name(row * queryStep)}: ${weight(value)}`),
  );
  const shades = z.map((of, row) =>
    of.map((value, column) => (isMasked(matrix, causal, row, column) ? null : shade(value, scale))),
  );
  const data = [
    {
      type: "heatmap",
      z: shades,
      text,
      hoverinfo: "text",
      x0: (keyStep - 1) / 2,
      dx: keyStep,
      y0: (queryStep - 1) / 2,
      dy: queryStep,
      zmin: 0,
      zmax: 1,
      colorscale: COLOURSCALE,
      colorbar: { title: { text: "share", side: "right" }, thickness: 10, outlinewidth: 0, ...colourbarTicks(scale) },
    },
  ];
  const axis = { showgrid: false, fixedrange: true, automargin: true };
  const layout = {
    margin: { l: 96, t: 84, r: 8, b: 8 },
    xaxis: { ...axis, side: "top", title: { text: "input token", standoff: 4 }, tickangle: -60, ...ticks(tokens, 40) },
    yaxis: {
      ...axis,
      autorange: "reversed",
      title: { text: "token above the layers", standoff: 4 },
      ...ticks(tokens, 40),
    },
  };
  return { data, layout };
}

/** @param {HTMLElement} root @param {State} state */
function render(root, state) {
  root.hidden = state.panel !== "rollout";
  const rolled = rolledOf(state);
  need(root, ".said").textContent = state.said;
  const { layers = 1, capture } = state.overview ?? {};
  const numbers = { start: state.start ?? 0, upto: state.upto ?? layers - 1, residual: state.residual ?? 50 };
  for (const [name, value] of Object.entries(numbers)) {
    /** @type {HTMLInputElement} */
    const input = need(root, `[name="${name}"]`);
    if (name !== "residual") input.max = String(layers - 1);
    if (document.activeElement !== input) input.value = String(value);
  }
  const many = (capture?.tokens.length ?? 0) > MOST_OF_FLOW;
  need(root, ".flow").toggleAttribute("disabled", !rolled || (many && !state.flow));
  need(root, ".flow").textContent = state.flow ? "rollout instead" : "flow instead";
  need(root, ".stop").hidden = !state.flow || !rolled || rolled.kind === "flow";
  /** @type {HTMLInputElement} */
  const corrects = need(root, '[name="receptive"]');
  corrects.checked = !state.raw;
  need(root, ".corrects").hidden = !capture?.model.causal;
  need(root, ".flow").title = many
    ? `of texts up to ${MOST_OF_FLOW} tokens`
    : "the largest flow to each token: it takes a while";
  const corrected =
    capture?.model.causal && !state.raw
      ? " Each key is first divided by how many queries see it, as early ones are seen by more."
      : "";
  const words = {
    rollout:
      "How much of each input token reaches each token above these layers: the product of the layers, the mean of their heads beside the residual stream (Abnar and Zuidema 2020).",
    flow: "The largest flow from each token above these layers to each input, each on its own (Abnar and Zuidema 2020).",
  };
  need(root, ".formula").replaceChildren(...(rolled ? [make("p", {}, words[rolled.kind] + corrected)] : []));
}

/** @param {HTMLElement} root @param {Tools} tools @returns {() => void} undo */
export function mount(root, tools) {
  const { store, actions, ask, loadPlotly } = tools;
  const { on, undo } = listening();
  const drawn = () => {
    const state = store.get();
    const capture = state.overview?.capture;
    const rolled = state.panel === "rollout" ? rolledOf(state) : null;
    return rolled && figure(rolled.matrix, capture?.tokens ?? [], state.scale, capture?.model.causal ?? null);
  };
  const chart = createChart(root, loadPlotly, drawn, ({ x, y }) => {
    const { side, words } = store.get();
    // Beside words, a token is none that could be held.
    if (!words) actions.adjust({ token: Math.round(side === "query" ? y : x) });
  });
  on(root, "change", ({ target }) => {
    const input = /** @type {HTMLInputElement} */ (target);
    if (input.type === "checkbox") actions.adjust({ raw: !input.checked });
    else if (input.reportValidity()) actions.adjust({ [input.name]: Number(input.value) });
  });
  on(need(root, ".flow"), "click", () => actions.adjust({ flow: !store.get().flow }));
  on(need(root, ".stop"), "click", () => {
    ask.stopFlow();
    actions.adjust({ flow: false });
  });
  const update = () => {
    render(root, store.get());
    chart.request();
  };
  update();
  const looks = /** @type {const} */ ([
    "raw",
    "flow",
    "rolled",
    "overview",
    "panel",
    "start",
    "upto",
    "residual",
    "said",
    "scale",
    "dark",
  ]);
  const unsubscribe = store.subscribe((now, before) => {
    if (looks.some((name) => now[name] !== before[name])) update();
  });
  return () => {
    unsubscribe();
    chart.stop();
    undo();
  };
}
