/** @import {PlotElement, PlotlyLike} from "../types.js" */

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
 * A chart that is drawn at most once per frame, and only while it is visible.
 *
 * @param {HTMLElement} root contains the element `.chart`
 * @param {() => Promise<PlotlyLike>} loadPlotly
 * @param {() => {data: object[], layout: object} | null} figure null where there is nothing to draw
 * @param {(point: {x: number, y: number, pointIndex: number}) => void} chosen called with the point that is clicked
 */
export function createChart(root, loadPlotly, figure, chosen) {
  const plot = /** @type {PlotElement} */ (root.querySelector(".chart"));
  let [requested, listens] = [false, false];

  /** An outdated chart would mislead. @param {PlotlyLike} plotly */
  function clear(plotly) {
    if (listens) plotly.purge(plot);
    listens = false;
  }

  async function draw() {
    const plotly = await loadPlotly();
    requested = false;
    const found = figure();
    if (!found) return clear(plotly);
    if (!plot.clientWidth) return;
    const { line, ...paper } = paperOf(plot);
    const axis = { gridcolor: line, zeroline: false };
    const { xaxis, yaxis, ...layout } = /** @type {any} */ (found.layout);
    const whole = { ...paper, width: plot.clientWidth, height: plot.clientHeight, ...layout };
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
    requestAnimationFrame(() => draw().catch(() => (requested = false)));
  };
  const resized = new ResizeObserver(request);
  resized.observe(plot);
  return { request, stop: () => resized.disconnect() };
}
