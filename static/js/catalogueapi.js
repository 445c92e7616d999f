import { partPath, readMatrix } from "./api.js";
import { errorOf } from "./apierror.js";
import { readEvents } from "./events.js";

/** @import {Api} from "./api.js" */
/** @import {Capture, Roles, Score, Similarity, Through} from "./types.js" */

/**
 * What the later parts of the page ask the server.
 *
 * @param {Api} api
 */
export function createCatalogueApi(api) {
  /** @param {string} kind @param {string} path */
  const json = async (kind, path) => (await api.ask(kind, path)).json();
  const sent = { "Content-Type": "application/json" };
  return {
    /** @param {Capture} capture @returns {Promise<{scores: Score[]}>} */
    scores: ({ id }) => json("scores", partPath(id, "scores")),
    /** @param {Capture} capture @returns {Promise<Roles>} */
    roles: ({ id }) => json("roles", partPath(id, "roles")),
    /** @param {Capture} capture @returns {Promise<Similarity>} */
    similarity: ({ id }) => json("similarity", partPath(id, "similarity")),
    /** @param {string} model @returns {Promise<{scores: Score[], choice: string}>} */
    probe: async (model) => {
      const options = { method: "POST", body: JSON.stringify({ model }) };
      return (await api.ask("probe", "/api/v1/probes/induction", options, sent)).json();
    },
    /**
     * @param {Capture} capture
     * @param {Through} through
     * @param {number} cells
     */
    rollout: async ({ id }, { start, upto, residual }, cells) => {
      const last = upto === null ? "" : `&layer=${upto}`;
      const path = `rollout?start=${start}${last}&residual=${residual}&cells=${cells}&pool=max`;
      return readMatrix(await api.ask("rollout", partPath(id, path), {}, { Accept: "application/x-npy" }));
    },
    /**
     * @param {Capture} capture
     * @param {Through} through
     * @param {(done: number, total: number) => void} heard
     * @returns {Promise<number[][]>}
     */
    flow: async ({ id }, { start, upto, residual }, heard) => {
      const options = { method: "POST", body: JSON.stringify({ start, layer: upto, residual }) };
      const headers = { ...sent, Accept: "text/event-stream" };
      const { body } = await api.ask("flow", partPath(id, "flow"), options, headers);
      for await (const { name, data } of readEvents(/** @type {ReadableStream<Uint8Array>} */ (body))) {
        if (name === "progress") heard(data.done, data.total);
        if (name === "done") return data.values;
        if (name === "error") throw errorOf(data, data.status);
      }
      throw new Error("the server stopped before it was done");
    },
    stopFlow: () => api.stop("flow"),
  };
}

/** @typedef {ReturnType<typeof createCatalogueApi>} CatalogueApi */
