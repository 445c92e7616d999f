import { createApi } from "./api/client.js";
import { hasHead } from "./model/heads.js";
import { decodes } from "./model/stack.js";
import { createSession } from "./state/session.js";
import { finished, IDLE } from "./state/status.js";
import { createStore, initialState } from "./state/store.js";
import { createTheme } from "./state/theme.js";
import { emptyAddress, ignoredFields, parse, print } from "./state/url.js";
import { need, setText } from "./ui/dom.js";
import { draftOf, savedDraft, withoutTarget } from "./ui/draft.js";
import { mountExamples } from "./ui/examples.js";
import { mountHelp } from "./ui/help.js";
import { mountHints } from "./ui/hints.js";
import { lazyModule, mountOnEvent, mountWhen } from "./ui/lazy.js";
import { HUB_MODEL, mountModelSelect } from "./ui/model_select.js";
import { plotlyLoader } from "./ui/plotly.js";
import { mountRunProgress } from "./ui/run_progress.js";
import { mountPair, noPairsReason } from "./ui/second_sentence.js";
import { mountStatusLine } from "./ui/status_line.js";
import { mountTextForm } from "./ui/text_form.js";
import { mount as mountGrid } from "./views/grid/grid.js";
import { mountScorePicker } from "./views/grid/score_picker.js";
import { mount as mountHeatmap } from "./views/heatmap/heatmap.js";
import { mountFacts } from "./views/inspect/facts.js";
import { mountPanelButtons } from "./views/panels/buttons.js";
import { createPanelLoader } from "./views/panels/loader.js";
import { mountStrip } from "./views/tokens/strip.js";

/** @import {Actions, HistoryMode, State, Status} from "./types.js" */

const { plotlyUrl = "", defaultModel = "" } = document.body.dataset;

const store = createStore({ ...initialState(), model: defaultModel, defaultModel });
const api = createApi();
const session = createSession(store, api);
const theme = createTheme(store);
const loadPlotly = plotlyLoader(plotlyUrl);

// Few visits need these forms.
const loadKeyForm = lazyModule((query) => import(`./ui/key_form.js${query}`));
const loadHubModel = lazyModule((query) => import(`./ui/hub_model.js${query}`));
const loadModelNotices = lazyModule((query) => import(`./views/models/notices.js${query}`));
const loadModelCard = lazyModule((query) => import(`./views/models/card.js${query}`));
const loadStacks = lazyModule((query) => import(`./views/models/stacks.js${query}`));

/** Write the state into the address. @param {HistoryMode} mode */
function remember(mode) {
  const fragment = print(store.get());
  if (fragment === location.hash) return;
  if (mode === "push") history.pushState(null, "", fragment);
  else history.replaceState(null, "", fragment);
}

/**
 * Run what the state says. The head that is chosen on the way belongs to the same entry of the history. After an error,
 * the address stays as it was entered, so that the reader can correct it.
 */
async function run() {
  await session.run();
  if (store.get().status.kind !== "error") remember("replace");
}

/** @param {Partial<State>} patch */
function runWith(patch) {
  store.set({ rows: null, columns: null, token: null, truncate: false, flow: false, notice: "", ...patch });
  remember("push");
  run();
}

/** @param {string} model */
const choose = (model) => ({ chosenModels: [...store.get().chosenModels, model] });

/** @param {string} model */
function chooseModel(model) {
  // The form keeps a second sentence that this model cannot read.
  const alone = noPairsReason({ ...store.get(), model }) ? { text_pair: "" } : {};
  runWith({ model, ...choose(model), layer: null, head: null, ...alone, ...withoutTarget(store.get(), model) });
}

/** @param {Blob} file @param {string} name */
function save(file, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: name });
  link.click();
  // Some browsers read the file only after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** @type {Actions} */
const actions = {
  chooseHead(layer, head, mode) {
    if (!hasHead(store.get().overview?.capture.model, { layer, head })) return;
    store.set({ layer, head, notice: "" });
    remember(mode);
    session.showHead();
  },
  adjust(patch) {
    store.set({ ...patch, notice: "" });
    remember("replace");
    session.showDetail();
  },
  show(patch) {
    // Positions of words are not positions of tokens.
    const reset = patch.words === undefined ? {} : { rows: null, columns: null, token: null };
    store.set({ ...patch, ...reset, notice: "" });
    remember("push");
    session.showHead();
  },
  fetchWeights: session.fetchWeights,
  retry() {
    if (!store.get().models.length) session.loadModels();
    run();
  },
  retryPanels: () => panelLoader.retry(),
  setStatus: (kind, message) => store.set({ status: { kind, message } }),
  showFailure(message, retry = false) {
    /** @type {Status} */
    const shown = { kind: "error", message, retry };
    store.set({ status: shown });
    return () => {
      const { status, overview } = store.get();
      if (status === shown) store.set({ status: overview ? finished(overview.capture) : IDLE });
    };
  },
  downloadFile(path, name) {
    if (!api.isUnlocked()) return false;
    api.file(path).then(
      (file) => save(file, name),
      (error) => actions.setStatus("error", `the file could not be downloaded: ${error.message}`),
    );
    return true;
  },
};

const panelLoader = createPanelLoader(store, api, actions, loadPlotly);

/** Read the state from the address. Fields that are not in it get their initial values. */
function readAddress() {
  const address = { ...emptyAddress(), model: defaultModel, ...parse(location.hash) };
  const isSameText = !draftOf(store.get(), address);
  store.set({ ...address, draft: isSameText ? store.get().draft : null, notice: ignoredFields(location.hash) });
}

function onHistory() {
  const before = store.get();
  readAddress();
  const now = store.get();
  const isOther = /** @type {const} */ (["model", "text", "text_pair", "target", "stack", "truncate"]).some(
    (name) => now[name] !== before[name],
  );
  if (isOther) run();
  else {
    session.showHead();
    // Without the parts that were ignored, and with the head that is shown.
    remember("replace");
  }
}

/** Forms and texts that are loaded when they are first needed. @param {HTMLFormElement} form @param {HTMLSelectElement} select */
function mountFormsLater(form, select) {
  const failed = (/** @type {string} */ what) => (/** @type {unknown} */ error) =>
    actions.showFailure(`${what} did not load: ${error}`);
  mountWhen(
    store,
    ["apiKey"],
    ({ apiKey }) => apiKey !== "",
    async () => (await loadKeyForm()).mountKeyForm(need(document, "#key"), store, session.unlock),
    failed("the form for the API key"),
  );
  mountOnEvent(
    select,
    ["change"],
    () => select.value === HUB_MODEL,
    async () => (await loadHubModel()).mountHubModel(need(document, "#hub-model"), select, store, chooseModel),
    failed("the form for a model from the hub"),
  );
  const card = /** @type {HTMLDetailsElement} */ (need(document, "#model-card"));
  mountOnEvent(
    card,
    ["toggle"],
    () => card.open,
    async () => (await loadModelCard()).mountCard(card, store),
    failed("the text about the model"),
  );
  mountWhen(
    store,
    ["question", "models", "model"],
    ({ question, models, model }) => question !== "" || models.some((one) => one.id === model && one.changed_on_disk),
    async () => (await loadModelNotices()).mountModelNotices(form, store, api, { run, chooseModel, choose }),
    failed("the question about the model"),
  );
  mountWhen(
    store,
    ["overview", "models", "model", "target", "draft"],
    decodes,
    async () => (await loadStacks()).mountStacks(form, need(document, ".top .model"), store, runWith),
    failed("the controls of the decoder"),
  );
}

/** The controls above the pictures. */
function mountControls() {
  const form = /** @type {HTMLFormElement} */ (need(document, "#ask"));
  /** @type {HTMLSelectElement} */
  const select = need(document, "#model");
  mountTextForm(form, store, (texts) => runWith({ ...texts, draft: null }));
  mountPair(form, store, () => runWith({ text_pair: "", draft: null }));
  mountModelSelect(select, store, chooseModel);
  mountFormsLater(form, select);
  mountExamples(need(document, ".examples"), need(document, "#look-for"), store, (text) =>
    // The head that shows one example rarely shows another.
    runWith({ text, text_pair: "", target: "", draft: null, layer: null, head: null }),
  );
  mountStatusLine(need(form, ".outcome"), need(document, "main"), store, {
    retry: actions.retry,
    cut: () => runWith({ truncate: true }),
  });
  mountRunProgress(need(document, "#progress"), store, session.cancel);
  mountHelp(need(document, "#help"), need(document, "#keys"));
  need(document, "#dark").addEventListener("click", theme.toggle);
  const showTheme = () => setText(need(document, "#dark .word"), store.get().dark ? "light" : "dark");
  showTheme();
  store.watch(["dark"], showTheme);
}

function mountViews() {
  mountGrid(need(document, "#grid"), store, actions);
  mountScorePicker(need(document, "#grid .ranking"), store, actions);
  mountHeatmap(need(document, "#heatmap"), store, actions, loadPlotly);
  mountStrip(need(document, "#strip"), store, actions);
  mountFacts(need(document, "#facts"), store);
  mountPanelButtons(need(document, "#panels"), need(document, "#facts .more"), store, actions);
  mountHints(document, store);
}

function start() {
  readAddress();
  const first = document.querySelector("[data-text]");
  if (!location.hash && first instanceof HTMLElement) store.set({ text: first.dataset.text ?? "" });
  store.set({ draft: savedDraft(store.get()) });
  mountControls();
  mountViews();
  panelLoader.start();
  addEventListener("popstate", onHistory);
  // The files of the model may have been changed in another window.
  addEventListener("focus", session.refreshModels);
  session.loadModels();
  run();
}

start();
