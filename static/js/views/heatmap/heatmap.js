import { sightOf, windowsOf } from "../../model/placement.js";
import { cellsFor, wantedDetail } from "../../model/resolution.js";
import { snap } from "../../model/zoom.js";
import { figure } from "../../plot/figure.js";
import { plotArea } from "../../plot/plotarea.js";
import { need } from "../../ui/dom.js";
import { mountLooks } from "./display.js";
import { mountMarks } from "./marks.js";
import { mountMinimap } from "./minimap.js";
import { mountPointing, sizeOf } from "./pointing.js";
import { mountTools } from "./toolbar.js";

/** @import {Paint, Traces} from "../../plot/figure.js" */
/** @import {Actions, PlotElement, PlotlyLike, State, Store} from "../../types.js" */

/** Sending the text to Plotly's cloud is on by default. The page has its own buttons, which have names and take keys. */
const CONFIG = {
  displayModeBar: false,
  showTips: false, // Plotly's own would cover the Run button
  displaylogo: false,
  showSendToCloud: false,
  doubleClick: false,
  showAxisDragHandles: false,
};

/** What traces are built of, beside the weights; all else of a look moves what is built. */
const TRACED = /** @type {const} */ (["scale", "fold", "flip"]);

/** Colours come from the style sheets, which know the theme. @param {HTMLElement} root @returns {Paint} */
function paintOf(root) {
  const stage = getComputedStyle(need(root, ".stage"));
  return { ink: stage.color, line: stage.borderTopColor, masked: stage.getPropertyValue("--masked") };
}

/** What stands in the place of a picture, which covers it when it comes. @param {State} state */
export function emptyText(state) {
  if (state.pattern) return "drawing …";
  if (state.status.kind === "busy") return "";
  if (state.status.kind === "error") return "No picture: see the message above.";
  return state.text.trim() ? "" : "No text yet. Type a sentence, or choose one beside \u201ctry\u201d.";
}

/**
 * Draws the state into the plot, once per frame at most.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {() => Promise<PlotlyLike>} loadPlotly
 * @param {(plot: PlotElement) => void} begun called when there is a plot to listen to
 */
function createDrawing(root, store, loadPlotly, begun) {
  const stage = need(root, ".stage");
  const plot = /** @type {PlotElement} */ (need(root, ".plot"));
  /** @type {{drawn: State, plotly: PlotlyLike, narrow: boolean} | null} */
  let last = null;
  /** @type {Traces} */
  const built = new Map();
  let asked = false;

  async function draw() {
    const plotly = await loadPlotly();
    asked = false;
    const state = store.get();
    const { pattern } = state;
    if (!pattern) return;
    if (!TRACED.every((name) => last?.drawn[name] === state[name])) built.clear();
    const size = sizeOf(stage);
    const { narrow } = plotArea(pattern.capture.tokens, size);
    // A bar that lies down leaves the numbers of the one that stood there, and the reverse.
    if (last && last.narrow !== narrow) {
      plotly.purge(plot);
      last = null;
      built.clear();
    }
    const { data, layout } = figure(pattern, state, size, paintOf(root), built);
    // A finger on the picture scrolls the page; zooming has its buttons.
    const config = { ...CONFIG, staticPlot: matchMedia("(pointer: coarse)").matches };
    const first = !last;
    last = { drawn: state, plotly, narrow };
    await plotly.react(plot, data, { ...layout, dragmode: state.drag }, config);
    if (first) begun(plot);
  }

  return {
    /** @param {(error: unknown) => void} failed */
    request(failed) {
      // Out of sight, the stage has no size to draw to.
      if (asked || !store.get().pattern || !stage.clientWidth) return;
      asked = true;
      const drawn = () =>
        draw().catch((error) => {
          asked = false;
          failed(error);
        });
      requestAnimationFrame(drawn);
    },
    clear() {
      last?.plotly.purge(plot);
      last = null;
      built.clear();
    },
    /** @param {object} options */
    save: (options) => Promise.resolve(last?.plotly.downloadImage(plot, options)),
  };
}

/** Pixels that a hand may slip in a click. */
const SLIP = 4;

/**
 * The browser counts clicks by the hand's own time. Plotly wants both within 300 ms of its own work, which a busy
 * machine exceeds, and lays a cover under the pointer, which takes the browser's double click away.
 *
 * @param {MouseEvent} down
 * @param {() => void} doubled
 */
function awaitDouble(down, doubled) {
  if (down.detail !== 2) return;
  const up = (/** @type {MouseEvent} */ { clientX, clientY }) => {
    if (Math.hypot(clientX - down.clientX, clientY - down.clientY) <= SLIP) doubled();
  };
  addEventListener("mouseup", up, { once: true, capture: true });
}

/**
 * A window drawn with the mouse becomes the state's, in whole tokens.
 *
 * @param {PlotElement} plot
 * @param {Store} store
 * @param {Actions} actions
 * @param {() => void} redraw
 */
function followDrags(plot, store, actions, redraw) {
  plot.on("plotly_relayout", (changes) => {
    const { pattern } = store.get();
    // Plotly also speaks up after a double click, with nothing changed.
    if (!pattern || !Object.keys(changes ?? {}).some((name) => name.includes("range"))) return;
    const { xaxis, yaxis } = plot.layout;
    const sight = sightOf(pattern, store.get());
    const frame = { down: snap(yaxis.range, sight.down.length), across: snap(xaxis.range, sight.across.length) };
    actions.adjust(windowsOf(sight, frame));
    // A drag that snaps back to what was shown changes no state, and must still be put right.
    redraw();
  });
  plot.addEventListener(
    "mousedown",
    (down) => awaitDouble(down, () => actions.adjust({ rows: null, columns: null })),
    true,
  );
}

/**
 * The table is fetched when it is first asked for: few readers are, and none at once.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
function mountTableLater(root, store, actions) {
  let undo = () => {};
  const look = async () => {
    if (store.get().as !== "table") return;
    undo();
    undo = () => {};
    try {
      const { mountTable } = await import("./table.js");
      undo = mountTable(root, store, actions);
    } catch (error) {
      actions.setStatus("error", `the table did not load: ${error}`);
    }
  };
  undo = store.subscribe(look);
  look();
  return () => undo();
}

/** @param {HTMLElement} root @param {State} state */
function renderWords(root, state) {
  const { pattern, status } = state;
  const stage = need(root, ".stage");
  stage.setAttribute("aria-busy", String(status.kind === "busy"));
  stage.hidden = state.as === "table";
  stage.classList.toggle("coarse", wantedDetail(state) !== null);
  need(root, ".empty").textContent = emptyText(state);
  const heads = pattern?.show === "layer" ? "all heads" : `head ${pattern?.head}`;
  need(root, "h2").textContent = pattern ? `Layer ${pattern.layer}, ${heads}` : "Attention";
}

/**
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @param {() => Promise<PlotlyLike>} loadPlotly
 * @returns {() => void} undo
 */
export function mount(root, store, actions, loadPlotly) {
  const drawing = createDrawing(root, store, loadPlotly, (plot) => followDrags(plot, store, actions, redraw));
  const failed = (/** @type {unknown} */ error) => actions.setStatus("error", `the plot could not be drawn: ${error}`);
  const redraw = () => drawing.request(failed);

  /** @param {State} now @param {State | null} before */
  function render(now, before) {
    renderWords(root, now);
    if (!now.pattern) drawing.clear();
    const looks = /** @type {const} */ ([...TRACED, "pattern", "rows", "columns", "drag", "dark"]);
    if (looks.some((name) => now[name] !== before?.[name])) redraw();
  }

  const resized = new ResizeObserver(() => {
    const stage = need(root, ".stage");
    store.set({ cells: cellsFor(Math.max(stage.clientWidth, stage.clientHeight)) });
    redraw();
  });
  resized.observe(need(root, ".stage"));
  render(store.get(), null);
  const undos = [
    store.subscribe(render),
    mountPointing(need(root, ".stage"), store, actions),
    mountMarks(need(root, ".stage"), need(root, ".band"), store),
    mountMinimap(need(root, ".stage"), need(root, ".minimap"), store, actions),
    mountLooks(need(root, ".looks"), store, actions),
    mountTableLater(need(root, ".listing"), store, actions),
    mountTools(root, store, actions, drawing.save),
    () => resized.disconnect(),
    drawing.clear,
  ];
  return () => {
    for (const undo of undos) undo();
  };
}
