import { headName, shortHeadName } from "../../model/format.js";
import { paint } from "../../plot/thumbnail.js";
import { listening, make, need } from "../../ui/dom.js";
import { placeTip } from "../../ui/tooltip.js";
import { createPainter } from "./painter.js";

/** @import {Actions, HeadPlace, State, Store} from "../../types.js" */

/** @typedef {{layers: number, heads: number}} Shape */

/** With more heads, the cells have a fixed size and the grid scrolls sideways. */
const MANY = 32;

/**
 * The shape to draw: that of the heads on the page, or else that of the chosen model, so that nothing jumps.
 *
 * @param {State} state
 * @returns {Shape}
 */
export function shapeOf(state) {
  if (state.overview) return { layers: state.overview.layers, heads: state.overview.heads };
  const card = state.models.find((model) => model.id === state.model);
  return { layers: card?.layers ?? 0, heads: card?.heads ?? 0 };
}

/**
 * The place that a key moves to; null for keys that do not move. Home and End move along the layer, with Ctrl to the
 * first and the last head of the model.
 *
 * @param {string} key
 * @param {HeadPlace} from
 * @param {Shape} shape
 * @param {boolean} [control]
 * @returns {HeadPlace | null}
 */
export function placeAfterKey(key, from, shape, control = false) {
  const { layer, head } = from;
  const last = { layer: shape.layers - 1, head: shape.heads - 1 };
  /** @type {Record<string, HeadPlace>} */
  const steps = control
    ? { Home: { layer: 0, head: 0 }, End: last }
    : {
        ArrowUp: { layer: layer - 1, head },
        ArrowDown: { layer: layer + 1, head },
        ArrowLeft: { layer, head: head - 1 },
        ArrowRight: { layer, head: head + 1 },
        Home: { layer, head: 0 },
        End: { layer, head: last.head },
        PageUp: { layer: 0, head },
        PageDown: { layer: last.layer, head },
        Enter: from,
        " ": from,
      };
  const to = steps[key];
  if (!to) return null;
  const within = (/** @type {number} */ value, /** @type {number} */ most) => Math.min(most, Math.max(0, value));
  return { layer: within(to.layer, last.layer), head: within(to.head, last.head) };
}

/**
 * @param {string} name
 * @param {string} label
 * @param {HeadPlace[]} places
 * @param {boolean} sorted
 */
function rowOf(name, label, places, sorted) {
  const canvas = make("canvas", { "aria-hidden": "true" });
  // Small until there is something to draw: the default of 300 x 150 would cost memory for each layer.
  [canvas.width, canvas.height] = [1, 1];
  const cells = places.map(({ layer, head }) => {
    const cell = make("span", {
      role: "gridcell",
      tabindex: "-1",
      "aria-label": headName({ layer, head }),
      "aria-selected": "false",
      "data-layer": String(layer),
      "data-head": String(head),
    });
    if (sorted) cell.append(make("span", { class: "name", "data-name": shortHeadName({ layer, head }) }));
    return cell;
  });
  return make(
    "div",
    { role: "row", class: "blank", "data-layer": String(places[0]?.layer) },
    make("span", { role: "rowheader", "aria-label": label }, name),
    canvas,
    ...cells,
  );
}

/** The heads of a row: those of a layer, or of the next ranks if the heads are sorted. @param {State["order"]} order */
function placesOf(order, /** @type {number} */ row, /** @type {number} */ heads) {
  if (order) return order.slice(row * heads, (row + 1) * heads);
  return Array.from({ length: heads }, (_, head) => ({ layer: row, head }));
}

/** @param {HTMLElement} table @param {Shape} shape @param {State["order"]} order */
function build(table, shape, order) {
  const names = make(
    "div",
    { role: "row", class: "names" },
    make("span", { role: "columnheader" }, make("span", order ? {} : { class: "aside" }, order ? "rank" : "layer")),
  );
  for (let head = 0; head < shape.heads; head++) {
    // If the heads are sorted, columns have no meaning.
    const label = order
      ? make("span")
      : make("span", { role: "columnheader", "aria-label": `head ${head}` }, String(head));
    names.append(label);
  }
  const rows = Array.from({ length: shape.layers }, (_, row) => {
    const rank = row * shape.heads + 1;
    const places = placesOf(order, row, shape.heads);
    return order
      ? rowOf(String(rank), `from rank ${rank}`, places, true)
      : rowOf(String(row), `layer ${row}`, places, false);
  });
  table.style.setProperty("--heads", String(shape.heads));
  table.classList.toggle("many", shape.heads > MANY);

  table.replaceChildren(...(shape.layers ? [names, ...rows] : []));
}

/** @param {EventTarget | null} target @returns {{cell: HTMLElement, place: HeadPlace} | null} */
function cellAt(target) {
  const cell = target instanceof Element ? target.closest("[role='gridcell']") : null;
  if (!(cell instanceof HTMLElement)) return null;
  return { cell, place: { layer: Number(cell.dataset.layer), head: Number(cell.dataset.head) } };
}

/** The chosen head; none while the page shows no heads. @param {HTMLElement} table @param {State} state */
function mark(table, { layer, head, overview }) {
  for (const cell of table.querySelectorAll("[role='gridcell']:is([aria-selected='true'], [tabindex='0'])")) {
    cell.setAttribute("aria-selected", "false");
    cell.setAttribute("tabindex", "-1");
  }
  const chosen = overview && table.querySelector(`[data-layer="${layer}"][data-head="${head}"]`);
  chosen?.setAttribute("aria-selected", "true");
  (chosen ?? table.querySelector("[role='gridcell']"))?.setAttribute("tabindex", "0");
}

/**
 * @param {HTMLElement} root
 * @param {ReturnType<typeof createPainter>} painter
 * @param {State} state
 * @param {State | null} before
 */
function render(root, painter, state, before) {
  const table = need(root, ".heads");
  const shape = shapeOf(state);
  const old = before && shapeOf(before);
  const rebuilt = !old || old.layers !== shape.layers || old.heads !== shape.heads || state.order !== before?.order;
  root.classList.toggle("sorted", state.order !== null);
  if (rebuilt) {
    build(table, shape, state.order);
    painter.observeRows();
  } else if (/** @type {const} */ (["overview", "scale", "dark"]).some((name) => state[name] !== before[name])) {
    painter.paint();
  }
  if (rebuilt || /** @type {const} */ (["layer", "head", "overview"]).some((name) => state[name] !== before[name]))
    mark(table, state);
  const capture = state.overview?.capture;
  // With one token, nothing is masked.
  need(root, ".masked").hidden = !(capture?.model.causal && capture.tokens.length > 1);
  table.setAttribute("aria-busy", String(state.status.kind === "busy"));
}

/**
 * A larger picture of the head under the pointer or with the focus.
 *
 * @param {HTMLElement} root
 * @param {ReturnType<typeof listening>["on"]} on
 * @param {Store} store
 */
function mountPreview(root, on, store) {
  const [table, tip] = [need(root, ".heads"), need(root, ".tip")];
  /** @type {HTMLCanvasElement} */
  const large = need(tip, "canvas");

  /** @param {Event} event */
  function preview(event) {
    const found = cellAt(event.target);
    if (!found) return;
    const state = store.get();
    const matrix = state.overview?.at(found.place.layer, found.place.head);
    large.hidden = !matrix;
    need(tip, "p").textContent = found.cell.getAttribute("aria-label");
    const [box, frame] = [found.cell.getBoundingClientRect(), root.getBoundingClientRect()];
    placeTip(tip, { x: box.left - frame.left, y: box.bottom - frame.top - 12 });
    if (matrix) paint(large, matrix, state, large.clientWidth);
  }

  on(table, "pointerover", preview);
  on(table, "focusin", preview);
  for (const left of ["pointerleave", "focusout"]) {
    on(table, left, () => {
      tip.hidden = true;
    });
  }
}

/**
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mount(root, store, actions) {
  const table = need(root, ".heads");
  const { on, undo } = listening();

  /** @param {KeyboardEvent} event */
  function press(event) {
    const found = cellAt(event.target);
    if (!found || event.altKey) return;
    const [shape, cells] = [shapeOf(store.get()), [...table.querySelectorAll("[role='gridcell']")]];
    // Keys move through the cells as they are shown, sorted or not.
    const at = cells.indexOf(found.cell);
    const from = { layer: Math.floor(at / shape.heads), head: at % shape.heads };
    const to = placeAfterKey(event.key, from, shape, event.ctrlKey || event.metaKey);
    const target = to && cellAt(cells[to.layer * shape.heads + to.head] ?? null);
    if (!target) return;
    event.preventDefault();
    if (store.get().overview) actions.chooseHead(target.place.layer, target.place.head, "replace");
    target.cell.focus();
  }

  mountPreview(root, on, store);
  on(table, "keydown", press);
  on(table, "click", (event) => {
    const found = cellAt(event.target);
    if (found && store.get().overview) actions.chooseHead(found.place.layer, found.place.head, "push");
  });
  const painter = createPainter(table, store);
  render(root, painter, store.get(), null);
  const unwatch = store.watch(
    ["overview", "models", "model", "order", "scale", "dark", "layer", "head", "status"],
    (now, before) => render(root, painter, now, before),
  );
  return () => {
    unwatch();
    painter.stop();
    undo();
  };
}
