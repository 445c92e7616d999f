import { commonGroup, headCounts, layersOf } from "../../model/heads.js";
import { listening, need } from "../../ui/dom.js";
import { lazyModule, mountOnEvent, mountWhen } from "../../ui/lazy.js";
import { createPainter } from "./painter.js";
import { build, cellAt, shapeOf } from "./rows.js";

/** @import {Actions, ModelCard, State, Store} from "../../types.js" */

const loadKeys = lazyModule((query) => import(`./keys_and_preview.js${query}`));
const loadLegend = lazyModule((query) => import(`./legend.js${query}`));

/** Pixels of the table that stay in view above and below its rows. */
const [HEADER, EDGE] = [24, 6];

/** Scrolls the table, not the page, to a cell. @param {HTMLElement} table @param {Element} cell */
function reveal(table, cell) {
  if (!table.matches(".tall")) return;
  const [box, frame] = [cell.getBoundingClientRect(), table.getBoundingClientRect()];
  const above = frame.top + HEADER - box.top;
  table.scrollTop += Math.max(0, box.bottom - frame.bottom + EDGE) - Math.max(0, above);
}

/** Builds the cells anew; the focus stays on the same head. @param {HTMLElement} table @param {() => void} rebuild */
function keepFocus(table, rebuild) {
  const focused = cellAt(table.querySelector("[role='gridcell']:focus"));
  rebuild();
  if (focused) cellOf(table, focused.place)?.focus({ preventScroll: true });
}

/** @param {HTMLElement} table @param {{layer: number | null, head: number | null}} place @returns {HTMLElement | null} */
const cellOf = (table, { layer, head }) => table.querySelector(`[data-layer="${layer}"][data-head="${head}"]`);

/** The chosen head; none while the page shows no heads. @param {HTMLElement} table @param {State} state */
function mark(table, { layer, head, overview }) {
  for (const cell of table.querySelectorAll("[role='gridcell']:is([aria-selected='true'], [tabindex='0'])")) {
    cell.setAttribute("aria-selected", "false");
    cell.setAttribute("tabindex", "-1");
  }
  const chosen = overview && cellOf(table, { layer, head });
  chosen?.setAttribute("aria-selected", "true");
  if (chosen) reveal(table, chosen);
  (chosen ?? table.querySelector("[role='gridcell']"))?.setAttribute("tabindex", "0");
}

/** True for a model that needs a legend. @param {ModelCard | undefined} model */
const isUneven = (model) => commonGroup(model) !== 1 || layersOf(model).some(({ heads }) => !heads);

/** What the cells depend on. @param {ReturnType<typeof shapeOf>} shape */
const layoutOf = (shape) => `${shape.heads} ${commonGroup(shape.model)} ${headCounts(shape.model, shape)}`;

/**
 * @param {HTMLElement} root
 * @param {ReturnType<typeof createPainter>} painter
 * @param {State} state
 * @param {State | null} before
 * @param {(cells: HTMLElement[][]) => void} onBuilt
 */
function render(root, painter, state, before, onBuilt) {
  const table = need(root, ".heads");
  const shape = shapeOf(state);
  const rebuilt = !before || state.order !== before.order || layoutOf(shape) !== layoutOf(shapeOf(before));
  root.classList.toggle("sorted", state.order !== null);
  if (rebuilt) {
    keepFocus(table, () => onBuilt(build(table, shape, state.order)));
    painter.observeRows();
    need(root, ".tip").hidden = true;
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
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mount(root, store, actions) {
  const table = need(root, ".heads");
  const { on, undo } = listening();

  /** The cells as they are shown, sorted or not. @type {HTMLElement[][]} */
  let rows = [];

  on(table, "click", (event) => {
    const found = cellAt(event.target);
    if (found && store.get().overview) actions.chooseHead(found.place.layer, found.place.head, "push");
  });
  const part = (/** @type {string} */ name) => (/** @type {unknown} */ error) =>
    actions.showFailure(`${name} did not load: ${error}`);
  const undoLater = [
    mountOnEvent(
      table,
      ["pointerover", "focusin", "keydown"],
      () => true,
      async () => (await loadKeys()).mountKeysAndPreview(root, store, actions, () => rows),
      part("the keys of the grid"),
    ),
    mountWhen(
      store,
      ["overview", "models", "model"],
      (state) => isUneven(shapeOf(state).model),
      async () => (await loadLegend()).mountLegend(need(root, ".legend"), store),
      part("the legend of the grid"),
    ),
  ];
  const painter = createPainter(table, store);
  const update = (/** @type {State} */ now, /** @type {State | null} */ before) =>
    render(root, painter, now, before, (cells) => {
      rows = cells;
    });
  update(store.get(), null);
  const unwatch = store.watch(
    ["overview", "models", "model", "order", "scale", "dark", "layer", "head", "status"],
    update,
  );
  return () => {
    unwatch();
    painter.stop();
    for (const each of undoLater) each();
    undo();
  };
}
