import { windowsOf } from "../../model/axes.js";
import { shortHeadName } from "../../model/format.js";
import { geometryOf } from "../../model/geometry.js";
import { withBias } from "../../model/heads.js";
import { cellsFor, wantedDetail } from "../../model/wanted_window.js";
import { snap } from "../../model/zoom.js";
import { NO_TEXT } from "../../state/status.js";
import { need } from "../../ui/dom.js";
import { lazyModule, mountOnEvent, mountWhen } from "../../ui/lazy.js";
import { mountDisplay } from "./display_options.js";
import { sizeOf } from "./plot_size.js";
import { createDrawing, TRACED } from "./plotly_drawing.js";
import { mountMarks } from "./row_mark.js";
import { mountToolbar } from "./toolbar.js";

/** @import {Actions, Geometry, Pattern, PlotElement, PlotlyLike, State, Store} from "../../types.js" */

/** The text in place of a heatmap; the heatmap covers it. @param {State} state */
export function emptyText(state) {
  if (state.pattern && state.status.kind !== "error") return "drawing …";
  if (state.apiKey) return "Enter the API key above to see heatmaps.";
  if (state.status.kind === "busy") return "";
  if (state.question) return "No heatmap yet: see the question above.";
  if (state.status.kind === "error") return "No heatmap: see the message above.";
  if (!state.text.trim()) return `${NO_TEXT.message} Type a sentence, or choose an example.`;
  return state.status.retry ? "No heatmap: the run was cancelled." : "";
}

/** Between the clicks of a double click, the pointer may move by so many pixels. */
const TOLERANCE = 4;

/**
 * Calls back on a double click, as the browser counts clicks. Plotly's own double click needs both clicks within 300 ms
 * of its own time, which a busy machine exceeds. The browser's `dblclick` event does not arrive either, as Plotly puts an
 * element under the pointer after the first click.
 *
 * @param {MouseEvent} down
 * @param {() => void} onDouble
 */
function awaitDouble(down, onDouble) {
  if (down.detail !== 2) return;
  const up = (/** @type {MouseEvent} */ { clientX, clientY }) => {
    if (Math.hypot(clientX - down.clientX, clientY - down.clientY) <= TOLERANCE) onDouble();
  };
  addEventListener("mouseup", up, { once: true, capture: true });
}

/**
 * A range that is chosen with the mouse becomes the window of the state, in whole tokens.
 *
 * @param {PlotElement} plot
 * @param {() => Geometry | null} geometryNow
 * @param {Actions} actions
 * @param {() => void} redraw
 */
function followDrags(plot, geometryNow, actions, redraw) {
  plot.on("plotly_relayout", (changes) => {
    const geometry = geometryNow();
    // Plotly also sends this event after a double click, without a change.
    if (!geometry || !Object.keys(changes ?? {}).some((name) => name.includes("range"))) return;
    const { xaxis, yaxis } = plot.layout;
    const { axes } = geometry;
    const frame = { down: snap(yaxis.range, axes.down.length), across: snap(xaxis.range, axes.across.length) };
    actions.adjust(windowsOf(axes, frame));
    // The drag may have snapped back to the window before: the state is unchanged, but Plotly's axes have moved.
    redraw();
  });
  plot.addEventListener(
    "mousedown",
    (down) => awaitDouble(down, () => actions.adjust({ rows: null, columns: null })),
    true,
  );
}

const loadMore = lazyModule((query) => import(`./more_options.js${query}`));
const loadTable = lazyModule((query) => import(`./table.js${query}`));
const loadPointing = lazyModule((query) => import(`./pointing.js${query}`));
const loadMinimap = lazyModule((query) => import(`./minimap.js${query}`));

/**
 * Parts that are loaded when they are first needed, because not all visits need them: the table, the minimap of a zoomed
 * heatmap, and what reads single cells.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @param {() => Geometry | null} geometryNow
 * @returns {(() => void)[]} undos
 */
function mountLater(root, store, actions, geometryNow) {
  const isZoomed = (/** @type {State} */ { rows, columns }) => rows !== null || columns !== null;
  // After a failed run there is nothing to show, and the message about the run must stay.
  const hasFailed = (/** @type {State} */ { pattern, status }) => !pattern && status.kind === "error";
  const failed = (/** @type {string} */ part) => (/** @type {unknown} */ error) =>
    actions.showFailure(`${part} did not load: ${error}`, true);
  const [stage, minimap, table] = [need(root, ".stage"), need(root, ".minimap"), need(root, ".listing")];
  return [
    mountWhen(
      store,
      ["as", "pattern"],
      (state) => state.as === "table" && !hasFailed(state),
      async () => (await loadTable()).mountTable(table, store, geometryNow),
      failed("the table"),
    ),
    mountWhen(
      store,
      ["rows", "columns", "pattern"],
      (state) => isZoomed(state) && !hasFailed(state),
      async () => (await loadMinimap()).mountMinimap(stage, minimap, store, actions, geometryNow),
      failed("the minimap"),
    ),
    mountWhen(
      store,
      ["overview", "show"],
      hasMoreOptions,
      async () => (await loadMore()).mountMoreOptions(need(root, ".display"), store, actions),
      failed("a part of the display options"),
    ),
    mountOnEvent(
      stage,
      ["pointermove", "pointerdown", "focusin", "keydown", "wheel"],
      () => true,
      async () => (await loadPointing()).mountPointing(stage, store, actions, geometryNow),
      failed("the reader of the heatmap"),
    ),
  ];
}

/**
 * The name of what is shown; short where it has to say of which stack.
 *
 * @param {Pattern} pattern
 */
export function headingOf({ capture: { stack }, layer, head, show }) {
  const ofLayer = show === "layer";
  if (!stack) return `Layer ${layer}, ${ofLayer ? "all heads" : `head ${head}`}`;
  const name = `${stack.slice(0, 1).toUpperCase()}${stack.slice(1)}`;
  return `${name} ${ofLayer ? `L${layer}, all heads` : shortHeadName({ layer, head })}`;
}

/** For a pair of sentences, a bias, or a link to raw scores. @param {State} state */
function hasMoreOptions({ overview, show }) {
  if (!overview) return false;
  const { tokens, model, card = model } = overview.capture;
  return show === "raw" || tokens.some(({ segment }) => segment) || withBias(card).length > 0;
}

/** @param {HTMLElement} root @param {State} state */
function renderText(root, state) {
  const { pattern, status } = state;
  const stage = need(root, ".stage");
  stage.setAttribute("aria-busy", String(status.kind === "busy"));
  stage.hidden = state.as === "table";
  stage.classList.toggle("loading", wantedDetail(state) !== null);
  need(root, ".empty").textContent = emptyText(state);
  need(root, "h2").textContent = pattern ? headingOf(pattern) : "Attention";
}

/**
 * The heatmap of one head, with its toolbar, display settings, minimap and table.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @param {() => Promise<PlotlyLike>} loadPlotly
 * @returns {() => void} undo
 */
export function mount(root, store, actions, loadPlotly) {
  const stage = need(root, ".stage");
  const geometryNow = () => geometryOf(store.get(), sizeOf(stage));
  const drawing = createDrawing(root, store, geometryNow, loadPlotly, (plot) =>
    followDrags(plot, geometryNow, actions, redraw),
  );
  let removeError = () => {};
  const onError = (/** @type {unknown} */ error) => {
    removeError = actions.showFailure(`the heatmap could not be drawn: ${error}`, true);
  };
  const redraw = () => drawing.request(() => removeError(), onError);
  const clearOrRedraw = () => (store.get().pattern ? redraw() : drawing.clear());
  const resized = new ResizeObserver(() => {
    store.set({ cells: cellsFor(Math.max(stage.clientWidth, stage.clientHeight)) });
    redraw();
  });
  resized.observe(stage);
  renderText(root, store.get());
  redraw();
  const undos = [
    store.watch(["pattern", "status", "text", "as", "rows", "columns", "cells", "apiKey"], (now) =>
      renderText(root, now),
    ),
    store.watch([...TRACED, "pattern", "rows", "columns", "drag", "dark"], clearOrRedraw),
    mountMarks(stage, need(root, ".band"), store, geometryNow),
    mountDisplay(need(root, ".display"), store, actions),
    ...mountLater(root, store, actions, geometryNow),
    mountToolbar(root, store, actions, { geometryNow, saveImage: drawing.saveImage }),
    () => resized.disconnect(),
    drawing.clear,
  ];
  return () => {
    for (const undo of undos) undo();
  };
}
