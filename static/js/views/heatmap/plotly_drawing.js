import { isSigned } from "../../model/format.js";
import { figure } from "../../plot/figure.js";
import { need } from "../../ui/dom.js";

/** @import {Colours, Traces} from "../../plot/figure.js" */
/** @import {Geometry, PlotElement, PlotlyLike, State, Store} from "../../types.js" */

/** Plotly's own buttons are off: the page's have names and keys, and one of Plotly's uploads the text to its cloud. */
const CONFIG = {
  displayModeBar: false,
  showTips: false, // Plotly's tips would cover the Run button
  displaylogo: false,
  showSendToCloud: false,
  doubleClick: false,
  showAxisDragHandles: false,
};

/** The fields that the traces depend on, besides the weights. All others only change Plotly's layout. */
export const TRACED = /** @type {const} */ (["scale", "fold", "flip"]);

/** Images are for documents: light and opaque in either theme. The colours are those of the light theme. */
const PAPER = "#ffffff";
/** @type {Colours} */
const ON_PAPER = { ink: "#1b1c1e", line: "#85888e", masked: "#d4d4d2" };

/** The colours of the theme, from the style sheets. @param {HTMLElement} stage @returns {Colours} */
function coloursOf(stage) {
  const style = getComputedStyle(stage);
  return { ink: style.color, line: style.borderTopColor, masked: style.getPropertyValue("--masked") };
}

const loadSigned = () => import("../../plot/signed_figure.js");

/** Values that may be below 0 have colours of their own. @param {Parameters<typeof figure>} given */
const figureOf = async (...given) =>
  isSigned(given[0].pattern) ? (await loadSigned()).signedFigure(...given) : figure(...given);

/**
 * The image of a heatmap as a figure of its own: the page's figure has the theme's colours on a transparent background.
 *
 * @param {Geometry} geometry
 * @param {State["scale"]} scale
 * @param {Traces} built
 */
export async function imageFigure(geometry, scale, built) {
  const { data, layout } = await figureOf(geometry, scale, ON_PAPER, new Map(built));
  return { data, layout: { ...layout, paper_bgcolor: PAPER } };
}

/**
 * Draws the state into the plot, at most once per frame.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {() => Geometry | null} geometryNow
 * @param {() => Promise<PlotlyLike>} loadPlotly
 * @param {(plot: PlotElement) => void} onFirstDraw called when there is a plot to listen to
 */
export function createDrawing(root, store, geometryNow, loadPlotly, onFirstDraw) {
  const stage = need(root, ".stage");
  const plot = /** @type {PlotElement} */ (need(root, ".plot"));
  /** @type {{state: State, plotly: PlotlyLike, narrow: boolean} | null} */
  let last = null;
  /** @type {Traces} */
  const built = new Map();
  let requested = false;

  function clear() {
    last?.plotly.purge(plot);
    last = null;
    built.clear();
  }

  async function draw() {
    const plotly = await loadPlotly();
    requested = false;
    const [state, geometry] = [store.get(), geometryNow()];
    if (!geometry) return;
    const { narrow } = geometry.area;
    if (!TRACED.every((name) => last?.state[name] === state[name])) built.clear();
    // When the colour bar changes between horizontal and vertical, Plotly keeps the old numbers.
    if (last && last.narrow !== narrow) clear();
    const { data, layout } = await figureOf(geometry, state.scale, coloursOf(stage), built);
    // On a touch screen, dragging scrolls the page; zooming has its buttons.
    const config = { ...CONFIG, staticPlot: matchMedia("(pointer: coarse)").matches };
    const isFirst = !last;
    last = { state, plotly, narrow };
    await plotly.react(plot, data, { ...layout, dragmode: state.drag }, config);
    if (isFirst) onFirstDraw(plot);
  }

  return {
    clear,
    /** @param {() => void} onDrawn @param {(error: unknown) => void} onError */
    request(onDrawn, onError) {
      // A hidden stage has no size to draw to.
      if (requested || !store.get().pattern || !stage.clientWidth) return;
      requested = true;
      const drawNow = () =>
        draw().then(onDrawn, (error) => {
          requested = false;
          onError(error);
        });
      requestAnimationFrame(drawNow);
    },
    /** Downloads the heatmap as a PNG image. @param {string} filename */
    async saveImage(filename) {
      const geometry = geometryNow();
      if (!last || !geometry) return;
      const { width, height } = geometry.size;
      const image = await imageFigure(geometry, last.state.scale, built);
      await last.plotly.downloadImage(image, { format: "png", scale: 2, width, height, filename });
    },
  };
}
