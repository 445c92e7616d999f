import { post } from "../../api/client.js";
import { isAbort } from "../../api/error.js";
import { megabytes } from "../../model/format.js";
import { listening, make, need, setText } from "../../ui/dom.js";

/** @import {Api} from "../../api/client.js" */
/** @import {ModelCard, State, Store} from "../../types.js" */

/** Weights are stored in float32, or in less. */
const BYTES = 4;

/**
 * How large the model is, in words.
 *
 * @param {{bytes: number, download_bytes: number}} size
 */
export function sizeText({ bytes, download_bytes }) {
  if (!download_bytes) return `Its ${megabytes(bytes)} are on the server already.`;
  const rest = download_bytes < bytes ? `, of ${megabytes(bytes)} in all` : "";
  return `The server would download ${megabytes(download_bytes)}${rest}.`;
}

/**
 * The same where the server cannot say it.
 *
 * @param {ModelCard | undefined} card
 * @param {string} reason
 */
export function unknownSizeText(card, reason) {
  const estimate = card?.parameters ? `about ${megabytes(card.parameters * BYTES)}` : "unknown";
  return `Size: ${estimate} (${reason}).`;
}

/** @param {string} model */
const elementsOf = (model) => ({
  size: make("p", { class: "about", role: "status" }),
  load: make("button", { type: "button" }, "Load it"),
  instead: make("button", { type: "button" }, `Use ${model}`),
});

/**
 * Asks the server how large the model of the question is.
 *
 * @param {HTMLElement} line
 * @param {Store} store
 * @param {Api} api
 */
async function showSize(line, store, api) {
  const { question: model, models } = store.get();
  const isCurrent = () => store.get().question === model;
  setText(line, "Asking the hub for its size …");
  try {
    const response = await api.request("size", "/api/v1/models/size", ...post({ model }));
    const size = await response.json();
    if (isCurrent()) setText(line, sizeText(size));
  } catch (error) {
    if (!isCurrent() || isAbort(error)) return;
    const card = models.find(({ id }) => id === model);
    setText(line, unknownSizeText(card, /** @type {Error} */ (error).message));
  }
}

/**
 * Asks before a model from the hub is loaded that only the address names.
 *
 * @param {HTMLElement} form the form of the text; the question is placed before it
 * @param {Store} store
 * @param {Api} api
 * @param {{load: (model: string) => void, use: (model: string) => void}} actions
 * @returns {() => void} undo
 */
export function mountQuestion(form, store, api, { load, use }) {
  const { defaultModel } = store.get();
  const parts = elementsOf(defaultModel);
  const title = make("p", { class: "about", id: "question-title" });
  const root = make(
    "section",
    { id: "question", class: "key", "aria-labelledby": "question-title", hidden: "" },
    title,
    parts.size,
    parts.load,
    parts.instead,
  );
  const select = need(document, "#model");
  const { on, undo } = listening();

  /** @param {State} state */
  function render({ question }) {
    root.hidden = !question;
    if (!question) return;
    title.replaceChildren(
      make("strong", {}, question),
      " is a model from the Hugging Face hub that this server has not loaded.",
    );
    showSize(parts.size, store, api);
    // The answer that downloads nothing: Enter must not start a download by accident.
    parts.instead.focus();
  }

  function close() {
    const { question } = store.get();
    store.set({ question: "", status: { kind: "idle", message: `${question} was not loaded`, retry: true } });
    select.focus();
  }

  on(parts.load, "click", () => {
    load(store.get().question);
    select.focus();
  });
  on(parts.instead, "click", () => {
    use(defaultModel);
    select.focus();
  });
  on(root, "keydown", (event) => {
    if (event.key === "Escape") close();
  });
  form.before(root);
  render(store.get());
  const unwatch = store.watch(["question"], render);
  return () => {
    unwatch();
    undo();
    root.remove();
  };
}
