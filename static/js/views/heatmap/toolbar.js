import { headPath } from "../../api/client.js";
import { isExact } from "../../model/matrix.js";
import { zoomed } from "../../model/moves.js";
import { frameOf, sightOf } from "../../model/placement.js";
import { NARROWEST } from "../../model/zoom.js";
import { mountBriefMessage } from "../../ui/brief_message.js";
import { listening, need } from "../../ui/dom.js";

/** @import {Actions, State, Store} from "../../types.js" */

/** @param {NonNullable<State["pattern"]>} pattern */
const fileName = ({ capture, layer, head }) =>
  `${capture.model.id.replace(/[^\w.-]+/g, "-")}-layer${layer}-head${head}`;

/** The zoom buttons that would change nothing. @param {State} state */
export function useless(state) {
  if (!state.pattern) return [];
  const sight = sightOf(state.pattern, state);
  const { down, across } = frameOf(sight, state);
  const [high, wide] = [down[1] - down[0], across[1] - across[0]];
  const whole = high === sight.down.length && wide === sight.across.length;
  return [...(whole ? ["out", "all"] : []), ...(Math.max(high, wide) <= NARROWEST ? ["in"] : [])];
}

/**
 * @param {HTMLElement} root
 * @param {State} state
 */
function render(root, state) {
  for (const button of root.querySelectorAll("header button")) button.toggleAttribute("disabled", !state.pattern);
  for (const as of ["map", "table"])
    need(root, `[data-as="${as}"]`).setAttribute("aria-pressed", String(as === state.as));
  need(root, '[data-drag="pan"]').setAttribute("aria-pressed", String(state.drag === "pan"));
  for (const name of useless(state)) need(root, `[data-zoom="${name}"]`).setAttribute("disabled", "");
  for (const format of ["npy", "json"]) renderLink(need(root, `[data-take="${format}"]`), format, state);
}

/**
 * What of the head a file holds: all of it, or of a long text what the picture shows.
 *
 * @param {State} state
 */
export function takenPart({ pattern, rows, columns, cells }) {
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
  const path = headPath(pattern.capture.id, pattern.layer, pattern.head, pattern);
  link.setAttribute("href", `${path}format=${format}${takenPart(state)}`);
  link.setAttribute("download", `${fileName(pattern)}.${format}`);
  link.title = takenPart(state) ? "what the picture shows, in cells as large" : "";
}

/** @param {(text: string) => void} show */
async function copyLink(show) {
  try {
    await navigator.clipboard.writeText(location.href);
    show("link copied");
  } catch {
    // Browsers allow access to the clipboard only on localhost and over https.
    show("not copied: copy the address bar instead");
  }
}

/**
 * The buttons over the big picture.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @param {(options: object) => Promise<unknown>} saveImage
 * @returns {() => void} undo
 */
export function mountTools(root, store, actions, saveImage) {
  const { on, undo } = listening();
  /** @type {Record<string, () => void>} */
  const zooms = {
    in: () => actions.adjust(zoomed(store.get(), 0.5)),
    out: () => actions.adjust(zoomed(store.get(), 2)),
    all: () => actions.adjust({ rows: null, columns: null }),
  };
  for (const [name, zoom] of Object.entries(zooms)) on(need(root, `[data-zoom="${name}"]`), "click", zoom);
  on(need(root, '[data-drag="pan"]'), "click", () =>
    actions.adjust({ drag: store.get().drag === "pan" ? "zoom" : "pan" }),
  );
  for (const format of ["npy", "json"]) {
    const link = need(root, `[data-take="${format}"]`);
    on(link, "click", (event) => {
      const path = link.getAttribute("href");
      if (path && actions.downloadFile(path, link.getAttribute("download") ?? "")) event.preventDefault();
    });
  }
  const copyButton = need(root, '[data-take="link"]');
  const message = mountBriefMessage(copyButton);
  on(copyButton, "click", () => copyLink(message.show));
  on(need(root, '[data-take="png"]'), "click", () => {
    const { pattern } = store.get();
    if (pattern)
      saveImage({ format: "png", scale: 2, filename: fileName(pattern) }).catch((error) =>
        actions.setStatus("error", `no picture: ${error}`),
      );
  });
  for (const as of /** @type {const} */ (["map", "table"])) {
    on(need(root, `[data-as="${as}"]`), "click", () => actions.adjust({ as }));
  }
  render(root, store.get());
  const unsubscribe = store.subscribe((now) => render(root, now));
  return () => {
    unsubscribe();
    message.remove();
    undo();
  };
}
