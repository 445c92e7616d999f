import { EVENTS, post, streamOf } from "../../api/client.js";
import { readLoad } from "../../api/streams.js";
import { megabytes } from "../../model/format.js";
import { loading } from "../../state/status.js";
import { listening, make, setText } from "../../ui/dom.js";

/** @import {Api} from "../../api/client.js" */
/** @import {Progress, State, Store} from "../../types.js" */

/** @param {string} model @param {Progress} progress */
export function progressText(model, progress) {
  const { message } = loading(model, progress);
  if (progress.stage !== "downloading") return message;
  return `${message}: ${megabytes(progress.bytes)} of ${megabytes(progress.total ?? 0)}`;
}

/** The card of the chosen model if its files have changed. @param {Pick<State, "models" | "model">} state */
export const changedCard = ({ models, model }) => models.find((card) => card.id === model && card.changed_on_disk);

const elements = () => ({
  about: make("p", { class: "about", role: "status" }),
  button: make("button", { type: "button" }, "Reload"),
  progress: make("span", { role: "status" }),
  cancel: make("button", { type: "button", hidden: "" }, "Cancel"),
  wrong: make("p", { class: "wrong", role: "alert" }),
});

/** @param {string} model */
const aboutText = (model) =>
  `The files of ${model} were changed after it was loaded. The server still uses what it has loaded.`;

/**
 * Says that the files of the model have changed since it was loaded, and loads them again.
 *
 * @param {HTMLElement} form the form of the text; the message is placed before it
 * @param {Store} store
 * @param {Api} api
 * @param {() => void} run runs the text again, with the new weights
 * @returns {() => void} undo
 */
export function mountChangedFiles(form, store, api, run) {
  const { about, button, progress, cancel, wrong } = elements();
  const root = make("section", { id: "changed-files", class: "key", hidden: "" });
  root.append(about, button, progress, cancel, wrong);
  const { on, undo } = listening();
  /** The model that is being reloaded, empty for none. */
  let reloading = "";

  function render() {
    const card = changedCard(store.get());
    root.hidden = !card;
    if (!card) return;
    setText(about, aboutText(card.id));
    button.setAttribute("aria-disabled", String(reloading === card.id));
  }

  /** @param {Progress} now */
  function showProgress(now) {
    setText(progress, progressText(reloading, now));
    cancel.hidden = false;
  }

  async function reload() {
    const { model } = store.get();
    if (reloading) return;
    reloading = model;
    setText(wrong, "");
    render();
    try {
      const response = await api.request("reload", "/api/v1/models/reload", ...post({ model }, EVENTS));
      const loaded = await readLoad(streamOf(response), showProgress);
      store.set({ models: store.get().models.map((card) => (card.id === model ? loaded : card)) });
      if (store.get().model === model) run();
    } catch (error) {
      setText(wrong, `Not reloaded: ${/** @type {Error} */ (error).message}`);
    } finally {
      reloading = "";
      setText(progress, "");
      cancel.hidden = true;
      render();
    }
  }

  on(button, "click", reload);
  on(cancel, "click", () => api.cancel(reloading));
  form.before(root);
  render();
  const unwatch = store.watch(["models", "model"], (now, before) => {
    if (now.model !== before.model) setText(wrong, "");
    render();
  });
  return () => {
    unwatch();
    undo();
    root.remove();
  };
}
