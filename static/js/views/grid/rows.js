import { shortHeadName } from "../../model/format.js";
import { commonGroup, fullName, headCounts, whyNone } from "../../model/heads.js";
import { make } from "../../ui/dom.js";

/** @import {HeadPlace, ModelCard, State} from "../../types.js" */

/** @typedef {{layers: number, heads: number, model?: ModelCard}} Shape */

/** With more heads, the cells are close together, and the grid scrolls sideways if they do not fit. */
const MANY = 24;

/** With more layers, the cells are smaller, and the grid scrolls if they do not fit. */
const TALL = 16;

/** Room for a head. @type {string} */
const SIDE = "var(--side)";

/**
 * The shape to draw: that of the heads on the page, or else that of the chosen model, so that nothing jumps.
 *
 * @param {State} state
 * @returns {Shape}
 */
export function shapeOf({ overview, models, model }) {
  if (overview) return { layers: overview.layers, heads: overview.heads, model: overview.capture.model };
  const card = models.find(({ id }) => id === model);
  return { layers: card?.layers ?? 0, heads: card?.heads ?? 0, model: card };
}

/** @param {EventTarget | null} target @returns {{cell: HTMLElement, place: HeadPlace} | null} */
export function cellAt(target) {
  const cell = target instanceof Element ? target.closest("[role='gridcell']") : null;
  if (!(cell instanceof HTMLElement)) return null;
  return { cell, place: { layer: Number(cell.dataset.layer), head: Number(cell.dataset.head) } };
}

/**
 * The heads of each row: those of a layer, or of the next ranks if the heads are sorted.
 *
 * @param {Shape} shape
 * @param {State["order"]} order
 * @returns {HeadPlace[][]}
 */
export function placesOf(shape, order) {
  if (!order)
    return headCounts(shape.model, shape).map((count, layer) =>
      Array.from({ length: count }, (_, head) => ({ layer, head })),
    );
  const rows = Math.ceil(order.length / shape.heads);
  return Array.from({ length: rows }, (_, row) => order.slice(row * shape.heads, (row + 1) * shape.heads));
}

/**
 * The columns of the grid, for CSS: between heads that do not share a key/value head, there is a gap.
 *
 * @param {number} heads
 * @param {number} group how many neighbours share one
 */
export function columnsOf(heads, group) {
  const gaps = group > 1 ? Math.ceil(heads / group) - 1 : 0;
  const groups = Array.from({ length: gaps }, () => `repeat(${group},${SIDE}) var(--apart)`);
  return { gaps, columns: ["var(--label)", ...groups, `repeat(${heads - gaps * group},${SIDE})`].join(" ") };
}

/** Places an element in the column of a head. @param {HTMLElement} element @param {number} head @param {number} group */
function place(element, head, group) {
  if (group > 1 && head % group === 0) element.style.gridColumn = String(2 + head + head / group);
  return element;
}

/** @param {HeadPlace} at @param {ModelCard | undefined} model @param {boolean} sorted */
function cellOf({ layer, head }, model, sorted) {
  const cell = make("span", {
    role: "gridcell",
    tabindex: "-1",
    "aria-label": fullName(model, { layer, head }),
    "aria-selected": "false",
    "data-layer": String(layer),
    "data-head": String(head),
  });
  if (sorted) cell.append(make("span", { class: "name", "data-name": shortHeadName({ layer, head }) }));
  return cell;
}

/** A layer without attention. @param {number} layer @param {string} why */
const emptyRow = (layer, why) =>
  make(
    "div",
    { role: "row", class: "none", "aria-label": why },
    make("span", { role: "rowheader", "aria-label": why }, String(layer)),
    make("span", { class: "hatched" }),
  );

/** @param {string} name @param {string} label @param {HTMLElement[]} cells */
function rowOf(name, label, cells) {
  const canvas = make("canvas", { "aria-hidden": "true" });
  // Small until there is something to draw: the default of 300 x 150 would cost memory for each layer.
  [canvas.width, canvas.height] = [1, 1];
  const { layer = "" } = cells[0]?.dataset ?? {};
  return make(
    "div",
    { role: "row", class: "blank", "data-layer": layer },
    make("span", { role: "rowheader", "aria-label": label }, name),
    canvas,
    ...cells,
  );
}

/** @param {number} heads @param {number} group @param {boolean} sorted */
function namesOf(heads, group, sorted) {
  const first = make("span", sorted ? {} : { class: "aside" }, sorted ? "rank" : "layer");
  const labels = Array.from({ length: heads }, (_, head) =>
    // If the heads are sorted, columns have no meaning.
    sorted ? make("span") : make("span", { role: "columnheader", "aria-label": `head ${head}` }, String(head)),
  );
  const placed = labels.map((label, head) => place(label, head, group));
  return make("div", { role: "row", class: "names" }, make("span", { role: "columnheader" }, first), ...placed);
}

/**
 * Fills the table; returns the cells of each row, none for a layer without attention.
 *
 * @param {HTMLElement} table
 * @param {Shape} shape
 * @param {State["order"]} order
 */
export function build(table, shape, order) {
  const { heads, model } = shape;
  const sorted = order !== null;
  const group = sorted ? 1 : commonGroup(model);
  const places = placesOf(shape, order);
  const cells = places.map((row) => row.map((at) => place(cellOf(at, model, sorted), at.head, group)));
  const rows = cells.map((row, at) => {
    const why = sorted ? "" : whyNone(model, at);
    if (why) return emptyRow(at, why);
    const rank = at * heads + 1;
    return sorted ? rowOf(String(rank), `from rank ${rank}`, row) : rowOf(String(at), `layer ${at}`, row);
  });
  // The cells keep their size when the heads are sorted.
  const { gaps } = columnsOf(heads, commonGroup(model));
  const layers = headCounts(model, shape).filter((count) => count > 0).length;
  const numbers = { heads, gaps, layers, empty: shape.layers - layers, columns: columnsOf(heads, group).columns };
  for (const [name, value] of Object.entries(numbers)) table.style.setProperty(`--${name}`, String(value));
  table.classList.toggle("many", heads > MANY);
  table.classList.toggle("tall", rows.length > TALL);
  table.replaceChildren(...(rows.length ? [namesOf(heads, group, sorted), ...rows] : []));
  return cells;
}
