import { createApi } from "./api/client.js";
import { createSession } from "./state/session.js";
import { missing } from "./state/status.js";
import { createStore, initialState } from "./state/store.js";
import { createTheme } from "./state/theme.js";
import { firstVisit, parse, print, refused } from "./state/url.js";
import { mountControls } from "./ui/controls.js";
import { need } from "./ui/dom.js";
import { mountDownload } from "./ui/download.js";
import { mountElapsed } from "./ui/elapsed.js";
import { mountHelp } from "./ui/help.js";
import { mountHints } from "./ui/hints.js";
import { mountOther } from "./ui/hub_model.js";
import { mountKey } from "./ui/key.js";
import { mountPair } from "./ui/pair.js";
import { mount as mountGrid } from "./views/grid/grid.js";
import { mountChoosing } from "./views/grid/score_picker.js";
import { mount as mountHeatmap } from "./views/heatmap/heatmap.js";
import { mountFacts } from "./views/inspect/facts.js";
import { mountFind } from "./views/tokens/find.js";
import { mountLineLoader } from "./views/tokens/lines.js";
import { mountStrip } from "./views/tokens/strip.js";

/** @import {Actions, PlotlyLike, Remember} from "./types.js" */

const { plotlyUrl = "", defaultModel = "" } = document.body.dataset;

const store = createStore({ ...initialState(), model: defaultModel });
const api = createApi();
const session = createSession(store, api);
const theme = createTheme(store);

/** @type {Promise<PlotlyLike> | null} */
let plotly = null;

/**
 * As it loads, plotly.js puts a style element for its maps into the page, which a strict content security policy blocks
 * with an error. Heatmaps need none of it: meanwhile, who asks for a style element gets one that does nothing.
 * (The few rules heatmaps do need, Plotly adds to the sheet whose id in the page is plotly.js-style-global.)
 *
 * @returns {() => void} undo
 */
function withoutStyles() {
  const create = Document.prototype.createElement;
  document.createElement = (/** @type {string} */ name) => create.call(document, name === "style" ? "template" : name);
  return () => Reflect.deleteProperty(document, "createElement");
}

/** @returns {Promise<PlotlyLike>} */
function fetchPlotly() {
  const undo = withoutStyles();
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = plotlyUrl;
    script.onload = () => {
      undo();
      resolve(/** @type {any} */ (window).Plotly);
    };
    script.onerror = () => {
      undo();
      plotly = null;
      reject(new Error("plotly.js did not load"));
    };
    document.head.append(script);
  });
}

/** A second of parsing: it begins when the frame that shows the grid is on the screen. */
function loadPlotly() {
  plotly ??= new Promise((painted) => requestAnimationFrame(() => setTimeout(painted))).then(fetchPlotly);
  return plotly;
}

/** What every head does: fetched when it is first asked for. */
let isLater = false;

async function later() {
  const { score, panel } = store.get();
  if (isLater || (score === null && !panel)) return;
  isLater = true;
  const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/static/css/catalogue.css" });
  document.head.append(sheet);
  try {
    const { mountCatalogue } = await import("./views/panels/panels.js");
    mountCatalogue(store, api, actions, loadPlotly);
  } catch (error) {
    // Said first: what is said is heard here too, and would ask again at once, for ever.
    actions.setStatus("error", `this part of the page did not load: ${error}`);
    isLater = false;
  }
}

/** @param {Remember} how */
function remember(how) {
  const fragment = print(store.get());
  if (fragment === location.hash) return;
  if (how === "push") history.pushState(null, "", fragment);
  else history.replaceState(null, "", fragment);
}

/**
 * Run what the state says; the head that is picked on the way belongs to the same step of the history. While an error
 * stands, so does the address: it is what the reader has to look at and mend.
 */
async function run() {
  await session.run();
  if (store.get().status.kind !== "error") remember("replace");
}

/**
 * A head that the model does not have was the address's mistake, not a wish for the next text.
 *
 * @param {import("./types.js").State} state
 */
function misplaced({ overview, layer, head }) {
  return overview && layer !== null && head !== null && missing(overview.capture, layer, head);
}

/** @param {Partial<import("./types.js").Address>} patch */
function ask(patch) {
  if (misplaced(store.get())) store.set({ layer: null, head: null });
  store.set({ rows: null, columns: null, token: null, truncate: false, flow: false, notice: "", ...patch });
  remember("push");
  run();
}

/** @param {string} model */
const chooseModel = (model) => ask({ model, layer: null, head: null });

/** @param {string} model */
function cancelDownload(model) {
  // Whoever waits for the model hears that it was cancelled, this page among them.
  api.cancel(model).catch((error) => actions.setStatus("error", error.message));
}

/** @param {Blob} file @param {string} name */
function save(file, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: name });
  link.click();
  // Some browsers read the file only after the click: it is given back a minute later.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** @type {Actions} */
const actions = {
  chooseHead(layer, head, how) {
    store.set({ layer, head });
    remember(how);
    session.showHead();
  },
  adjust(patch) {
    store.set(patch);
    remember("replace");
    session.showDetail();
  },
  show(patch) {
    // A place among words is another than among tokens.
    store.set({ ...patch, ...(patch.words === undefined ? {} : { rows: null, columns: null, token: null }) });
    remember("push");
    session.showHead();
  },
  fetchWeights: session.fetchWeights,
  retry() {
    if (!store.get().models.length) session.loadModels();
    run();
  },
  setStatus: (kind, message) => store.set({ status: { kind, message } }),
  downloadFile(path, name) {
    if (!api.isUnlocked()) return false;
    api.file(path).then(
      (file) => save(file, name),
      (error) => actions.setStatus("error", `no file: ${error.message}`),
    );
    return true;
  },
};

/** The address as the state: what it leaves out falls back to the first visit's. */
function readAddress() {
  store.set({ ...firstVisit(), model: defaultModel, ...parse(location.hash), notice: refused(location.hash) });
}

function moved() {
  const asked = /** @type {const} */ (["model", "text", "text_pair", "truncate"]);
  const before = store.get();
  readAddress();
  const now = store.get();
  if (asked.some((name) => now[name] !== before[name])) run();
  else session.showHead();
}

function start() {
  readAddress();
  const first = document.querySelector("[data-text]");
  if (!location.hash && first instanceof HTMLElement) store.set({ text: first.dataset.text ?? "" });
  mountControls(store, {
    run: ask,
    // What a probe shows is rarely in the head that was open before.
    runProbe: (text) => ask({ text, text_pair: "", layer: null, head: null }),
    chooseModel,
    retry: actions.retry,
    cut: () => ask({ truncate: true }),
    toggleDark: theme.toggle,
  });
  mountPair(need(document, "#ask"), store, () => ask({ text_pair: "" }));
  mountOther(need(document, "#other"), need(document, "#model"), store, chooseModel);
  mountDownload(need(document, "#download"), store, cancelDownload);
  mountKey(need(document, "#key"), store, session.unlock);
  mountGrid(need(document, "#grid"), store, actions);
  mountHeatmap(need(document, "#heatmap"), store, actions, loadPlotly);
  mountHelp(need(document, "#help"), need(document, "#keys"));
  mountElapsed(need(document, "#elapsed"), store);
  mountHints(document, store);
  mountStrip(need(document, "#strip"), store, actions);
  mountFind(need(document, "#strip .find"), store, actions);
  mountLineLoader(store, actions);
  mountFacts(need(document, "#facts"), store);
  mountChoosing(document, store, actions);
  store.subscribe(later);
  later();
  addEventListener("popstate", moved);
  session.loadModels();
  run();
}

start();
