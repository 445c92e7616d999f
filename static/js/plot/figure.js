import { cellGrid, weightsOf } from "../model/axes.js";
import { length } from "../model/format.js";
import { labelSpace, TYPE } from "../model/plot_area.js";
import { isCross, tokensOf } from "../model/stack.js";
import { COLOURSCALE, colourbarTicks, shade } from "./colour.js";
import { foldedBar } from "./folds.js";
import { plotlyTicks } from "./ticks.js";

/** @import {Axes, Geometry, Matrix, Pattern, ScaleName, Side, Span} from "../types.js" */

/** @typedef {{ink: string, line: string, masked: string}} Colours of the theme: text, tick marks, masked cells */

/** The value of a masked cell where the background must not show through: no shade has it. */
const MASKED = -1;

/**
 * Positions on the colour scale, so that the colour scale of Plotly stays linear whatever the page's scale is.
 *
 * @param {Pick<Pattern, "capture" | "matrix">} pattern
 * @param {Axes} axes
 * @param {ScaleName} scale
 * @param {number | null} masked the value of a masked cell; null shows the background
 */
function shades(pattern, axes, scale, masked) {
  return weightsOf(pattern, axes).map((row) => row.map((weight) => (weight === null ? masked : shade(weight, scale))));
}

/**
 * @param {ScaleName} scale
 * @param {boolean} narrow
 * @param {boolean} beyondFolded true where the bar of folded keys is between the cells and the colour bar
 * @param {number} [longest] of effects
 */
function colourbar(scale, narrow, beyondFolded, longest) {
  const title = {
    text: longest === undefined ? "weight" : `effect, relative to the largest (${length(longest)})`,
    font: { size: TYPE },
    side: narrow ? "bottom" : "right",
  };
  const [xpad, ypad] = beyondFolded ? [22, 18] : [12, 10];
  const place = narrow ? { orientation: "h", x: 0.5, y: 0, yanchor: "top", ypad, xpad: 0 } : { xpad, ypad: 0, x: 1 };
  return { ...place, thickness: 10, outlinewidth: 0, len: 1, tickfont: { size: 11 }, title, ...colourbarTicks(scale) };
}

/**
 * @param {Pick<Pattern, "capture" | "matrix">} pattern
 * @param {Axes} axes
 * @param {ScaleName} scale
 * @param {number | null} masked
 */
function trace(pattern, axes, scale, masked) {
  const { down, across } = cellGrid(pattern.matrix, axes);
  return {
    type: "heatmap",
    z: shades(pattern, axes, scale, masked),
    // Positions instead of labels, as tokens repeat. The centre of a pooled cell is in the middle of its tokens.
    x0: across.from + (across.step - 1) / 2,
    dx: across.step,
    y0: down.from + (down.step - 1) / 2,
    dy: down.step,
    zmin: 0,
    zmax: 1,
    zsmooth: false,
    colorscale: COLOURSCALE,
    // The page has its own tooltip, as text: Plotly would interpret tags in it.
    hoverinfo: "skip",
  };
}

/**
 * The detail is drawn over the whole heatmap, which must not show through masked cells.
 *
 * @param {ReturnType<typeof trace>} detail
 * @param {Colours} colours
 */
function opaque(detail, { masked }) {
  const upper = COLOURSCALE.map(([at, colour]) => [(1 + Number(at)) / 2, colour]);
  const lower = [0, 0.499].map((at) => [at, masked]);
  return { ...detail, zmin: MASKED, colorscale: [...lower, ...upper], showscale: false };
}

/**
 * Traces by their matrix, kept between drawings, as building a large one takes a moment.
 *
 * @typedef {Map<Matrix, ReturnType<typeof trace>>} Traces
 */

/** @param {Span} span */
const edges = (span) => [span[0] - 0.5, span[1] - 0.5];

/** Titles of the axes. */
const TITLES = { query: "query: the token that attends", key: "key: the token attended to" };
const TEXTS = { query: " (target)", key: " (text)" };

/**
 * Plotly's layout: rows run from the top, and the labels of the columns are above the heatmap.
 *
 * @param {Geometry} geometry
 * @param {ScaleName} scale
 * @param {Colours} colours
 */
function layoutOf({ pattern, axes, frame, size, area }, scale, colours) {
  const { capture } = pattern;
  const space = labelSpace(area);
  const titleOf = (/** @type {Side} */ side) => title(TITLES[side] + (isCross(capture) ? TEXTS[side] : ""));
  /** @type {Side[]} */
  const [down = "query", across = "key"] = axes.flipped ? ["key", "query"] : ["query", "key"];
  const tokensAt = (/** @type {Side} */ side, /** @type {number[]} */ positions) =>
    positions.flatMap((index) => tokensOf(capture, side)[index] ?? []);
  const axis = {
    showgrid: false,
    zeroline: false,
    ticks: "outside",
    ticklen: 3,
    tickcolor: colours.line,
    tickfont: { size: TYPE },
  };
  const title = (/** @type {string} */ text) => ({ text, font: { size: TYPE }, standoff: 6 });
  return {
    width: size.width,
    height: size.height,
    margin: {
      l: area.left,
      t: area.top,
      r: size.width - area.left - area.width,
      b: size.height - area.top - area.height,
      autoexpand: false,
    },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: colours.masked,
    font: { family: "system-ui, sans-serif", color: colours.ink },
    xaxis: {
      ...axis,
      side: "top",
      title: titleOf(across),
      range: edges(frame.across),
      tickangle: area.angle,
      ...plotlyTicks(tokensAt(across, axes.across), frame.across, space.x),
    },
    yaxis: {
      ...axis,
      title: titleOf(down),
      range: edges(frame.down).reverse(),
      ...plotlyTicks(tokensAt(down, axes.down), frame.down, space.y),
    },
    ...foldedBar(pattern, axes, scale, area),
  };
}

/**
 * One head as Plotly's data and layout.
 *
 * @param {Geometry} geometry
 * @param {ScaleName} scale
 * @param {Colours} colours
 * @param {Traces} [built] traces of the same scale, folding and orientation; it is updated
 */
export function figure(geometry, scale, colours, built = new Map()) {
  const { axes, drawn, folded, area } = geometry;
  const { capture, matrix, detail, longest } = drawn;
  const traceOf = (/** @type {Matrix} */ of, /** @type {number | null} */ masked) =>
    built.get(of) ?? trace({ capture, matrix: of }, axes, scale, masked);
  const whole = traceOf(matrix, null);
  const closer = detail && traceOf(detail, MASKED);
  built.clear();
  built.set(matrix, whole);
  if (detail && closer) built.set(detail, closer);
  const beyondFolded = folded && area.narrow === axes.flipped;
  const data = [
    { ...whole, colorbar: colourbar(scale, area.narrow, beyondFolded, longest) },
    ...(closer ? [opaque(closer, colours)] : []),
  ];
  return { data, layout: layoutOf(geometry, scale, colours) };
}
