import { IDLE } from "../../state/status.js";
import { lazyModule } from "../../ui/lazy.js";

/** @import {Api} from "../../api/client.js" */
/** @import {Actions, PlotlyLike, Status, Store} from "../../types.js" */

const loadPanels = lazyModule((query) => import(`./panels.js${query}`));

/**
 * Loads scores and panels when one of them is first needed.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {Actions} actions
 * @param {() => Promise<PlotlyLike>} loadPlotly
 */
export function createPanelLoader(store, api, actions, loadPlotly) {
  /** @type {{retry: () => Promise<void>} | null} */
  let panels = null;

  /** @param {unknown} error */
  function showError(error) {
    const message = `Failed: this part of the page could not be loaded. Is headscope still running? (${error})`;
    store.set({ panelStatus: { kind: "error", message, retry: true } });
  }

  async function open() {
    const { score, panel } = store.get();
    if (panels || (score === null && !panel)) return;
    try {
      const { loadStyles, mountPanels } = await loadPanels();
      await loadStyles();
      if (panels) return;
      store.set({ panelStatus: IDLE });
      panels = mountPanels(store, api, actions, loadPlotly, showError);
    } catch (error) {
      showError(error);
    }
  }

  return {
    start() {
      store.watch(["score", "panel"], open);
      // A run that succeeds is a new attempt to load what failed.
      store.watch(["status"], ({ status }) => {
        if (status.kind === "done") open();
      });
      open();
    },
    /**
     * If the code of the panels still does not load although the server answers, the browser remembers an earlier
     * failure. Only a reload helps then; the address and the saved draft bring everything back.
     */
    async retry() {
      /** @type {Status} */
      const loading = { kind: "busy", message: "loading …" };
      store.set({ panelStatus: loading });
      if (panels) {
        await panels.retry();
        if (store.get().panelStatus === loading) store.set({ panelStatus: IDLE });
        return;
      }
      await open();
      if (panels) return;
      try {
        await api.models();
        location.reload();
      } catch {
        // The server does not answer: the message stays.
      }
    },
  };
}
