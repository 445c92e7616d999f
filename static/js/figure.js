import { COLOURSCALE, colourbarTicks, shade } from "./colour.js";
import { cellOf, isMasked } from "./matrix.js";
import { plotArea, rooms, TYPE } from "./plotarea.js";
import { plotlyTicks } from "./ticks.js";
import { windowOf } from "./zoom.js";

/** @import {Size} from "./plotarea.js" */
/** @import {Pattern, ScaleName, Span, State} from "./types.js" */

/** @typedef {{ink: string, line: string, masked: string}} Paint */
/** @typedef {Pick<State, "rows" | "columns" | "scale">} Look */

/**
 * Colours rather than weights, so that the scale may bend; masked cells are null, through which the grey shows.
 *
 * @param {Pattern} pattern
 * @param {ScaleName} scale
 */
function shades({ capture, matrix }, scale) {
  return Array.from({ length: matrix.rows }, (_, row) =>
    Array.from({ length: matrix.columns }, (__, column) =>
      isMasked(matrix, capture.model.causal, row, column) ? null : shade(cellOf(matrix, row, column), scale),
    ),
  );
}

/**
 * @param {ScaleName} scale
 * @param {boolean} narrow
 */
function colourbar(scale, narrow) {
  const title = { text: "weight", font: { size: TYPE }, side: narrow ? "bottom" : "right" };
  const place = narrow
    ? { orientation: "h", x: 0.5, y: 0, yanchor: "top", ypad: 10, xpad: 0 }
    : { xpad: 12, ypad: 0, x: 1 };
  return { ...place, thickness: 10, outlinewidth: 0, len: 1, tickfont: { size: 11 }, title, ...colourbarTicks(scale) };
}

/**
 * @param {Pattern} pattern
 * @param {ScaleName} scale
 */
function trace(pattern, scale) {
  const { queryStep, keyStep } = pattern.matrix;
  return {
    type: "heatmap",
    z: shades(pattern, scale),
    // Positions, not names: tokens repeat. A pooled cell stands in the middle of the tokens it covers.
    x0: (keyStep - 1) / 2,
    dx: keyStep,
    y0: (queryStep - 1) / 2,
    dy: queryStep,
    zmin: 0,
    zmax: 1,
    zsmooth: false,
    colorscale: COLOURSCALE,
    // The page writes the weight beside the pointer, as text: Plotly would read tags in it.
    hoverinfo: "skip",
  };
}

/** @param {Span} span */
const edges = (span) => [span[0] - 0.5, span[1] - 0.5];

/**
 * Rows run from the top, and keys are named along the top, where reading begins.
 *
 * @param {Pattern} pattern
 * @param {Look} look
 * @param {Size} size
 * @param {Paint} paint
 */
function layoutOf(pattern, look, size, paint) {
  const { tokens } = pattern.capture;
  const area = plotArea(tokens, size);
  const room = rooms(area);
  const { rows, columns } = windowOf(pattern.capture, look);
  const axis = {
    showgrid: false,
    zeroline: false,
    ticks: "outside",
    ticklen: 3,
    tickcolor: paint.line,
    tickfont: { size: TYPE },
  };
  const title = (/** @type {string} */ text) => ({ text, font: { size: TYPE }, standoff: 6 });
  return {
    ...size,
    margin: {
      l: area.left,
      t: area.top,
      r: size.width - area.left - area.width,
      b: size.height - area.top - area.height,
      autoexpand: false,
    },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: paint.masked,
    font: { family: "system-ui, sans-serif", color: paint.ink },
    xaxis: {
      ...axis,
      side: "top",
      title: title("key: the token looked at"),
      range: edges(columns),
      tickangle: area.angle,
      ...plotlyTicks(tokens, columns, room.x),
    },
    yaxis: {
      ...axis,
      title: title("query: the token that looks"),
      range: edges(rows).reverse(),
      ...plotlyTicks(tokens, rows, room.y),
    },
    dragmode: "zoom",
  };
}

/**
 * One head as Plotly's data and layout. `before` saves building a large trace again when only the window moved.
 *
 * @param {Pattern} pattern
 * @param {Look} look
 * @param {Size} size
 * @param {Paint} paint
 * @param {object} [before] the trace of the same pattern and scale
 */
export function figure(pattern, look, size, paint, before) {
  const { narrow } = plotArea(pattern.capture.tokens, size);
  const data = { ...(before ?? trace(pattern, look.scale)), colorbar: colourbar(look.scale, narrow) };
  return { data: [data], layout: layoutOf(pattern, look, size, paint) };
}
