import { NARROW } from "../model/plot_area.js";

/** @import {PlotElement, PlotlyLike, Size} from "../types.js" */

/** Plotly's own buttons are off: they need its style sheet, and one of them uploads the chart to Plotly's cloud. */
const CONFIG = { displayModeBar: false, showTips: false, displaylogo: false, showSendToCloud: false };

/** Colours of the theme, from the style sheets. @param {HTMLElement} root */
function paperOf(root) {
  const { color, borderTopColor } = getComputedStyle(root);
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: getComputedStyle(root).getPropertyValue("--behind") || "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", color, size: 12 },
    line: borderTopColor,
  };
}

/**
 * The place of a colour bar. On a phone it is below the chart, to leave the chart more width.
 *
 * @param {string} title
 * @param {boolean} narrow
 */
export const colourbar = (title, narrow) => ({
  title: { text: title, side: narrow ? "bottom" : "right" },
  thickness: 10,
  outlinewidth: 0,
  ...(narrow ? { orientation: "h", x: 0.5, y: 0, yanchor: "top", ypad: 10, xpad: 0 } : {}),
});

/**
 * A chart that is drawn at most once per frame, and only while it is visible.
 *
 * @param {HTMLElement} root contains the element `.chart`
 * @param {() => Promise<PlotlyLike>} loadPlotly
 * @param {(size: Size, narrow: boolean) => {data: object[], layout: object} | null} figure null where there is nothing
 *   to draw
 * @param {(point: {x: number, y: number, pointIndex: number}) => void} chosen called with the point that is clicked
 * @param {(error: unknown, redraw: () => void) => void} onError
 */
export function createChart(root, loadPlotly, figure, chosen, onError) {
  const plot = /** @type {PlotElement} */ (root.querySelector(".chart"));
  let [requested, listens, wasNarrow] = [false, false, false];

  /** An outdated chart would mislead. @param {PlotlyLike} plotly */
  function clear(plotly) {
    if (listens) plotly.purge(plot);
    listens = false;
  }

  async function draw() {
    const plotly = await loadPlotly();
    requested = false;
    const size = { width: plot.clientWidth, height: plot.clientHeight };
    const narrow = size.width < NARROW;
    const found = figure(size, narrow);
    if (!found) return clear(plotly);
    if (!size.width) return;
    // When the colour bar changes between horizontal and vertical, Plotly keeps the old numbers.
    if (narrow !== wasNarrow) clear(plotly);
    wasNarrow = narrow;
    const { line, ...paper } = paperOf(plot);
    const axis = { gridcolor: line, zeroline: false };
    const { xaxis, yaxis, ...layout } = /** @type {any} */ (found.layout);
    const whole = { ...paper, ...size, ...layout };
    await plotly.react(
      plot,
      found.data,
      { ...whole, xaxis: { ...axis, ...xaxis }, yaxis: { ...axis, ...yaxis } },
      CONFIG,
    );
    if (listens) return;
    listens = true;
    plot.on("plotly_click", ({ points }) => points[0] && chosen(points[0]));
  }

  const request = () => {
    if (requested) return;
    requested = true;
    requestAnimationFrame(() =>
      draw().catch((error) => {
        requested = false;
        onError(error, request);
      }),
    );
  };
  const resized = new ResizeObserver(request);
  resized.observe(plot);
  return { request, stop: () => resized.disconnect() };
}
