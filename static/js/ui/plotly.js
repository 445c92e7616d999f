/** @import {PlotlyLike} from "../types.js" */

/**
 * When it loads, plotly.js adds a style element for its maps to the page. The content security policy blocks it and
 * logs an error. Heatmaps do not need it, so a request for a style element gets an element without effect meanwhile.
 * (The rules that heatmaps need are added to the sheet with the id plotly.js-style-global.)
 *
 * @returns {() => void} undo
 */
function withoutStyleElements() {
  const create = Document.prototype.createElement;
  document.createElement = (/** @type {string} */ name) => create.call(document, name === "style" ? "template" : name);
  return () => Reflect.deleteProperty(document, "createElement");
}

/** @param {string} url @returns {Promise<PlotlyLike>} */
function fetchPlotly(url) {
  const undo = withoutStyleElements();
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => {
      undo();
      resolve(/** @type {any} */ (window).Plotly);
    };
    script.onerror = () => {
      undo();
      script.remove();
      reject(new Error("plotly.js did not load"));
    };
    document.head.append(script);
  });
}

/**
 * Loads plotly.js once. Parsing it takes a second, so it starts after the frame that shows the grid.
 *
 * @param {string} url
 * @returns {() => Promise<PlotlyLike>}
 */
export function plotlyLoader(url) {
  /** @type {Promise<PlotlyLike> | null} */
  let plotly = null;
  return () => {
    plotly ??= new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)))
      .then(() => fetchPlotly(url))
      .catch((error) => {
        plotly = null;
        throw error;
      });
    return plotly;
  };
}
