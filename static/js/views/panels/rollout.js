import { escapeLabel, positions, tokenName, weight } from "../../model/format.js";
import { isMasked } from "../../model/matrix.js";
import { keyOf } from "../../model/stack.js";
import { colourbar, createChart } from "../../plot/charts.js";
import { COLOURSCALE, colourbarTicks, shade } from "../../plot/colour.js";
import { plotlyTicks } from "../../plot/ticks.js";
import { DEFAULT_RESIDUAL } from "../../state/panels/rollout.js";
import { listening, make, need } from "../../ui/dom.js";

/** @import {Matrix, ScaleName, Size, State, Token} from "../../types.js" */
/** @import {Tools} from "./panels.js" */

/** For more tokens, computing the flow takes too long. */
const MAX_FLOW_TOKENS = 128;

/** Pixels around the cells: labels, titles and, on a phone, the colour bar below. */
const AROUND = { wide: { x: 200, y: 120 }, narrow: { x: 120, y: 190 } };

/** Pixels between two labels, and the maximum length of one, in characters. */
const LABEL = { line: 13, letters: 14 };

const FORMULAS = {
  rollout:
    "Attention rollout: for each layer, average the heads and add the residual stream. Multiply the layers. The result estimates how much of each input token reaches each token after these layers (Abnar and Zuidema 2020).",
  flow: "Attention flow: the maximum flow from each token after these layers to each input token, computed separately for each pair, so rows do not sum to 1 (Abnar and Zuidema 2020).",
};

const CORRECTION =
  " Before the residual stream is added, each column is divided by the number of queries that can attend to its key, and the rows are normalised again.";

/** The result for the heads on the page, if it is there. @param {State} state */
export const resultOf = ({ rollout, overview }) =>
  rollout && rollout.id === keyOf(overview?.capture) ? rollout : null;

/** As many labels as fit. @param {Token[]} tokens @param {number} pixels */
const ticks = (tokens, pixels) => plotlyTicks(tokens, [0, tokens.length], { pixels, ...LABEL });

/** The token of a row or column, or the positions of several. @param {Token[]} tokens @param {number} at @param {number} step */
function spanOf(tokens, at, step) {
  const end = Math.min((at + 1) * step, tokens.length);
  return step > 1 ? `tokens ${positions([at * step, end])}` : escapeLabel(tokenName(tokens, at));
}

/** The tooltip of each cell. @param {Matrix} matrix @param {Token[]} tokens @param {"rollout" | "flow"} kind */
function cellTexts({ rows, columns, values, queryStep, keyStep }, tokens, kind) {
  const text = (/** @type {number} */ row, /** @type {number} */ column) => {
    const [from, to] = [spanOf(tokens, column, keyStep), spanOf(tokens, row, queryStep)];
    const value = weight(values[row * columns + column] ?? 0);
    if (kind === "flow") return `maximum flow from ${to} to ${from}: ${value}`;
    return `${from} ${keyStep > 1 ? "reach" : "reaches"} ${to}: ${value}`;
  };
  return Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => text(row, column)));
}

/**
 * Colours of the cells, 0 to 1; null for masked cells.
 *
 * @param {Matrix} matrix
 * @param {ScaleName} scale
 * @param {boolean | null} causal
 * @param {number} largest the value of the brightest colour
 */
function cellShades(matrix, scale, causal, largest) {
  const { rows, columns, values } = matrix;
  const shadeAt = (/** @type {number} */ row, /** @type {number} */ column) =>
    isMasked(matrix, causal, row, column) ? null : shade((values[row * columns + column] ?? 0) / largest, scale);
  return Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => shadeAt(row, column)));
}

/**
 * @param {Matrix} matrix
 * @param {Token[]} tokens
 * @param {ScaleName} scale
 * @param {boolean | null} causal
 * @param {{kind?: "rollout" | "flow", layer?: number}} result layer: the last layer that is included
 * @param {Size} size
 * @param {boolean} narrow true on a phone
 */
export function figure(matrix, tokens, scale, causal, { kind = "rollout", layer = 0 }, size, narrow) {
  const { queryStep, keyStep } = matrix;
  // A rollout is a share, from 0 to 1. A flow has no fixed maximum.
  const largest = (kind === "flow" && matrix.values.reduce((most, value) => Math.max(most, value), 0)) || 1;
  const bar = colourbar(kind === "flow" ? "maximum flow" : "share", narrow);
  const around = narrow ? AROUND.narrow : AROUND.wide;
  const data = [
    {
      type: "heatmap",
      z: cellShades(matrix, scale, causal, largest),
      text: cellTexts(matrix, tokens, kind),
      hoverinfo: "text",
      x0: (keyStep - 1) / 2,
      dx: keyStep,
      y0: (queryStep - 1) / 2,
      dy: queryStep,
      zmin: 0,
      zmax: 1,
      colorscale: COLOURSCALE,
      colorbar: { ...bar, ...colourbarTicks(scale, largest) },
    },
  ];
  const axis = { showgrid: false, fixedrange: true, automargin: true };
  const output = `output token (after layer ${layer})`;
  const layout = {
    margin: narrow ? { l: 40, t: 60, r: 8, b: 56 } : { l: 96, t: 84, r: 8, b: 8 },
    xaxis: {
      ...axis,
      ...ticks(tokens, size.width - around.x),
      side: "top",
      title: { text: "input token", standoff: 4 },
      tickangle: narrow ? -90 : -60,
    },
    yaxis: {
      ...axis,
      ...ticks(tokens, size.height - around.y),
      autorange: "reversed",
      title: { text: output, standoff: 4 },
    },
  };
  return { data, layout };
}

/** @param {string} label @param {Record<string, string>} attributes @param {string} [unit] */
const numberInput = (label, attributes, unit = "") =>
  make(
    "p",
    {},
    make("label", {}, `${label} `, make("input", { type: "number", min: "0", required: "", ...attributes }), unit),
  );

/** @param {HTMLElement} words */
function build(words) {
  const corrects = make("input", { type: "checkbox", name: "receptive" });
  words.replaceChildren(
    numberInput("from layer", { name: "start" }),
    numberInput("to layer", { name: "upto" }),
    numberInput("residual stream", { name: "residual", max: "99" }, " %"),
    make(
      "p",
      { class: "corrects" },
      make("label", {}, corrects, " Correct for position: early tokens are visible to more queries"),
    ),
    make(
      "p",
      {},
      make("button", { type: "button", class: "flow" }, "show flow"),
      " ",
      make("button", { type: "button", class: "stop" }, "Stop"),
    ),
    make("div", { class: "formula" }),
  );
}

/** @param {HTMLElement} root @param {State} state */
function renderInputs(root, { start, upto, residual, raw, overview }) {
  const { layers = 1, capture } = overview ?? {};
  const numbers = { start: start ?? 0, upto: upto ?? layers - 1, residual: residual ?? DEFAULT_RESIDUAL };
  for (const [name, value] of Object.entries(numbers)) {
    /** @type {HTMLInputElement} */
    const input = need(root, `[name="${name}"]`);
    if (name !== "residual") input.max = String(layers - 1);
    if (document.activeElement !== input) input.value = String(value);
  }
  /** @type {HTMLInputElement} */
  const corrects = need(root, '[name="receptive"]');
  corrects.checked = !raw;
  need(root, ".corrects").hidden = !capture?.model.causal;
}

/** @param {HTMLElement} root @param {State} state */
function renderFlow(root, state) {
  const { flow, overview } = state;
  const result = resultOf(state);
  const isTooLong = (overview?.capture.tokens.length ?? 0) > MAX_FLOW_TOKENS;
  const button = need(root, ".flow");
  button.toggleAttribute("disabled", !result || (isTooLong && !flow));
  button.textContent = flow ? "show rollout" : "show flow";
  button.title = isTooLong
    ? `for texts of at most ${MAX_FLOW_TOKENS} tokens`
    : "the maximum flow to each token; takes a while";
  need(root, ".stop").hidden = !flow || !result || result.kind === "flow";
}

/** @param {HTMLElement} root @param {State} state */
function renderFormula(root, state) {
  const result = resultOf(state);
  const isCorrected = state.overview?.capture.model.causal && !state.raw;
  const correction = isCorrected ? CORRECTION : "";
  need(root, ".formula").replaceChildren(...(result ? [make("p", {}, FORMULAS[result.kind] + correction)] : []));
}

/** @param {HTMLElement} root @param {Tools} tools @returns {() => void} undo */
function listen(root, { store, actions, analysisApi }) {
  const { on, undo } = listening();
  on(root, "change", ({ target }) => {
    const input = /** @type {HTMLInputElement} */ (target);
    if (input.type === "checkbox") actions.adjust({ raw: !input.checked });
    else if (input.reportValidity()) actions.adjust({ [input.name]: Number(input.value) });
  });
  on(need(root, ".flow"), "click", () => actions.adjust({ flow: !store.get().flow }));
  on(need(root, ".stop"), "click", () => {
    analysisApi.abort("flow");
    actions.adjust({ flow: false });
  });
  return undo;
}

/** For screen readers. */
const CHART = "heatmap of the rollout: rows are tokens after the layers, columns are input tokens";

/** @param {HTMLElement} root @param {Tools} tools @returns {() => void} undo */
export function mount(root, tools) {
  const { store, actions, loadPlotly, onChartError } = tools;
  need(root, ".chart").setAttribute("aria-label", CHART);
  build(need(root, ".words"));
  const undo = listen(root, tools);
  /** @param {Size} size @param {boolean} narrow */
  const current = (size, narrow) => {
    const state = store.get();
    const capture = state.overview?.capture;
    const result = state.panel === "rollout" ? resultOf(state) : null;
    if (!result || !capture) return null;
    const layer = result.options.upto ?? capture.layers - 1;
    const { tokens, model } = capture;
    return figure(result.matrix, tokens, state.scale, model.causal, { kind: result.kind, layer }, size, narrow);
  };
  /** @param {{x: number, y: number}} point */
  const pin = ({ x, y }) => {
    const { side, words } = store.get();
    // While the heatmap shows words, no token can be pinned.
    if (!words) actions.adjust({ token: Math.round(side === "query" ? y : x) });
  };
  const chart = createChart(root, loadPlotly, current, pin, onChartError);
  const update = () => {
    const state = store.get();
    renderInputs(root, state);
    renderFlow(root, state);
    renderFormula(root, state);
    chart.request();
  };
  update();
  const unwatch = store.watch(
    ["raw", "flow", "rollout", "overview", "panel", "start", "upto", "residual", "scale", "dark"],
    update,
  );
  return () => {
    unwatch();
    chart.stop();
    undo();
  };
}
