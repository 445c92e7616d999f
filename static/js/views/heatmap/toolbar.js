import { headPath } from "../../api/paths.js";
import { isExact } from "../../model/matrix.js";
import { NARROWEST, zoomed } from "../../model/zoom.js";
import { print } from "../../state/url.js";
import { mountBriefMessage } from "../../ui/brief_message.js";
import { listening, need } from "../../ui/dom.js";
import { lazyModule } from "../../ui/lazy.js";

/** @import {Actions, Geometry, ShownTokens, State, Store} from "../../types.js" */

const loadClipboard = lazyModule((query) => import(`../../ui/clipboard.js${query}`));

/** Buttons that do nothing while the table is shown. */
const IN_HEATMAP = ['[data-drag="pan"]', '[data-export="png"]'];

/** @type {Record<string, string>} */
const FILES = { npy: "NumPy array (numpy.load)", json: "JSON, with the tokens" };

/** The address of what is shown: after a run that failed, that of the run before, with its head. @param {State} state */
function linkTo(state) {
  const { layer, head } = state.layer === null && state.pattern ? state.pattern : state;
  return new URL(print({ ...state, ...state.pictured, layer, head }), location.href).href;
}

/** @param {NonNullable<State["pattern"]>} pattern */
const fileName = ({ capture: { model, stack }, layer, head }) =>
  [model.id.replace(/[^\w.-]+/g, "-"), ...(stack ? [stack] : []), `layer${layer}`, `head${head}`].join("-");

/** The zoom buttons that would change nothing. @param {Pick<ShownTokens, "axes" | "frame"> | null} shown */
export function disabledZooms(shown) {
  if (!shown) return [];
  const { axes, frame } = shown;
  const [height, width] = [frame.down[1] - frame.down[0], frame.across[1] - frame.across[0]];
  const whole = height === axes.down.length && width === axes.across.length;
  return [...(whole ? ["out", "all"] : []), ...(Math.max(height, width) <= NARROWEST ? ["in"] : [])];
}

/**
 * @param {HTMLElement} root
 * @param {State} state
 * @param {Geometry | null} geometry
 */
function render(root, state, geometry) {
  for (const button of root.querySelectorAll("header button")) button.toggleAttribute("disabled", !state.pattern);
  for (const as of ["map", "table"])
    need(root, `[data-as="${as}"]`).setAttribute("aria-pressed", String(as === state.as));
  need(root, '[data-drag="pan"]').setAttribute("aria-pressed", String(state.drag === "pan"));
  if (state.as === "table") for (const one of IN_HEATMAP) need(root, one).setAttribute("disabled", "");
  for (const name of disabledZooms(geometry)) need(root, `[data-zoom="${name}"]`).setAttribute("disabled", "");
  for (const format of ["npy", "json"]) renderLink(need(root, `[data-export="${format}"]`), format, state);
}

/**
 * The part of the head that an exported file contains, as query parameters: all of it, or the window of a long text.
 *
 * @param {Pick<State, "pattern" | "rows" | "columns" | "cells">} state
 */
export function exportedPart({ pattern, rows, columns, cells }) {
  if (!pattern || isExact(pattern.matrix)) return "";
  const spans = { rows, columns };
  const windows = Object.entries(spans).map(([name, span]) => (span ? `&${name}=${span.join(":")}` : ""));
  return `&cells=${cells}${windows.join("")}`;
}

/**
 * @param {HTMLElement} link
 * @param {string} format
 * @param {State} state
 */
function renderLink(link, format, state) {
  const { pattern } = state;
  link.setAttribute("aria-disabled", String(!pattern));
  if (!pattern) {
    link.removeAttribute("href");
    return;
  }
  const path = headPath(pattern.capture, pattern.layer, pattern.head, pattern);
  link.setAttribute("href", `${path}format=${format}${exportedPart(state)}`);
  link.setAttribute("download", `${fileName(pattern)}.${format}`);
  link.title = exportedPart(state)
    ? `${FILES[format]}: what the heatmap shows, at the same resolution`
    : `${FILES[format]}: the whole text, this head`;
}

/**
 * @param {HTMLElement} root
 * @param {(target: EventTarget, event: string, handler: (event: any) => void) => void} on
 * @param {Store} store
 * @param {Actions} actions
 * @param {(filename: string) => Promise<unknown>} saveImage
 */
function listenToExports(root, on, store, actions, saveImage) {
  for (const format of ["npy", "json"]) {
    const link = need(root, `[data-export="${format}"]`);
    on(link, "click", (event) => {
      const path = link.getAttribute("href");
      if (path && actions.downloadFile(path, link.getAttribute("download") ?? "")) event.preventDefault();
    });
  }
  on(need(root, '[data-export="png"]'), "click", () => {
    const { pattern } = store.get();
    if (pattern) saveImage(fileName(pattern)).catch((error) => actions.setStatus("error", `no image: ${error}`));
  });
}

/**
 * The buttons above the heatmap.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @param {{geometryNow: () => Geometry | null, saveImage: (filename: string) => Promise<unknown>}} plot
 * @returns {() => void} undo
 */
export function mountToolbar(root, store, actions, { geometryNow, saveImage }) {
  const { on, undo } = listening();
  const zoomBy = (/** @type {number} */ factor) => {
    const geometry = geometryNow();
    if (geometry) actions.adjust(zoomed(geometry, factor));
  };
  on(need(root, '[data-zoom="in"]'), "click", () => zoomBy(0.5));
  on(need(root, '[data-zoom="out"]'), "click", () => zoomBy(2));
  on(need(root, '[data-zoom="all"]'), "click", () => actions.adjust({ rows: null, columns: null }));
  on(need(root, '[data-drag="pan"]'), "click", () =>
    actions.adjust({ drag: store.get().drag === "pan" ? "zoom" : "pan" }),
  );
  for (const as of /** @type {const} */ (["map", "table"])) {
    on(need(root, `[data-as="${as}"]`), "click", () => actions.adjust({ as }));
  }
  listenToExports(root, on, store, actions, saveImage);
  const copyButton = need(root, '[data-export="link"]');
  const message = mountBriefMessage(copyButton);
  on(copyButton, "click", () =>
    loadClipboard().then(
      ({ copyText }) => copyText(linkTo(store.get()), message.show, "link copied"),
      () => message.show("not copied"),
    ),
  );
  render(root, store.get(), geometryNow());
  const unwatch = store.watch(["pattern", "as", "drag", "rows", "columns", "fold", "flip", "cells"], (now) =>
    render(root, now, geometryNow()),
  );
  return () => {
    unwatch();
    message.remove();
    undo();
  };
}
