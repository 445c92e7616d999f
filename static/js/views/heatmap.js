import { need } from "../dom.js";
import { figure } from "../figure.js";
import { mountLooks } from "../looks.js";
import { mountMarks } from "../marks.js";
import { mountPointing } from "../pointing.js";
import { sightOf, windowsOf } from "../sight.js";
import { mountTable } from "../table.js";
import { mountTools } from "../tools.js";
import { snap } from "../zoom.js";

/** @import {Paint} from "../figure.js" */
/** @import {Actions, PlotElement, PlotlyLike, State, Store} from "../types.js" */

/** Sending the text to Plotly's cloud is on by default. The page has its own buttons, which have names and take keys. */
const CONFIG = {
  displayModeBar: false,
  displaylogo: false,
  showSendToCloud: false,
  doubleClick: false,
  showAxisDragHandles: false,
};

/** What a trace is built of; all else of a look moves what is built. */
const TRACED = /** @type {const} */ (["pattern", "scale", "fold", "flip"]);

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
  /** @type {{drawn: State, trace: object, plotly: PlotlyLike} | null} */
  let last = null;
  let asked = false;

  async function draw() {
    const plotly = await loadPlotly();
    asked = false;
    const state = store.get();
    const { pattern } = state;
    if (!pattern) return;
    const same = last && TRACED.every((name) => last?.drawn[name] === state[name]);
    const size = { width: stage.clientWidth, height: stage.clientHeight };
    const { data, layout } = figure(pattern, state, size, paintOf(root), same ? last?.trace : undefined);
    // A finger on the picture scrolls the page; zooming has its buttons.
    const config = { ...CONFIG, staticPlot: matchMedia("(pointer: coarse)").matches };
    const first = !last;
    last = { drawn: state, trace: data[0] ?? {}, plotly };
    await plotly.react(plot, data, layout, config);
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
    },
    /** @param {object} options */
    save: (options) => Promise.resolve(last?.plotly.downloadImage(plot, options)),
  };
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
  plot.on("plotly_doubleclick", () => actions.adjust({ rows: null, columns: null }));
}

/** @param {HTMLElement} root @param {State} state */
function renderWords(root, state) {
  const { pattern, status } = state;
  need(root, ".stage").setAttribute("aria-busy", String(status.kind === "busy"));
  need(root, ".stage").hidden = state.as === "table";
  need(root, ".empty").textContent = emptyText(state);
  need(root, "h2").textContent = pattern ? `Layer ${pattern.layer}, head ${pattern.head}` : "Attention";
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
  const failed = (/** @type {unknown} */ error) => actions.say("error", `the plot could not be drawn: ${error}`);
  const redraw = () => drawing.request(failed);

  /** @param {State} now @param {State | null} before */
  function render(now, before) {
    renderWords(root, now);
    if (!now.pattern) drawing.clear();
    const looks = /** @type {const} */ ([...TRACED, "rows", "columns", "dark"]);
    if (looks.some((name) => now[name] !== before?.[name])) redraw();
  }

  const resized = new ResizeObserver(redraw);
  resized.observe(need(root, ".stage"));
  render(store.get(), null);
  const undos = [
    store.subscribe(render),
    mountPointing(need(root, ".stage"), store, actions),
    mountMarks(need(root, ".stage"), need(root, ".band"), store),
    mountLooks(need(root, ".looks"), store, actions),
    mountTable(need(root, ".listing"), store, actions),
    mountTools(root, store, actions, drawing.save),
    () => resized.disconnect(),
    drawing.clear,
  ];
  return () => {
    for (const undo of undos) undo();
  };
}
