import { partPath } from "./client.js";
import { errorOf } from "./error.js";
import { readEvents } from "./events.js";

/** @import {Api} from "./client.js" */
/** @import {Capture, Matrix, Roles, Score, Similarity, Through} from "../types.js" */

/** @typedef {(percent: number) => void} Heard told how far the work is, out of a hundred */

const SENT = { "Content-Type": "application/json" };

/**
 * Work that says how far it is, and what it found at its end.
 *
 * @param {Response} response
 * @param {Heard} heard
 */
async function followed({ body }, heard) {
  for await (const { name, data } of readEvents(/** @type {ReadableStream<Uint8Array>} */ (body))) {
    if (name === "progress") heard(data.percent);
    if (name === "done") return data;
    if (name === "error") throw errorOf(data, data.status);
  }
  throw new Error("the server stopped before it was done");
}

/**
 * @param {{values: number[][], rows: [number, number], columns: [number, number], query_step: number, key_step: number}} answer
 * @returns {Matrix}
 */
export const matrixOf = ({ values, rows, columns, query_step, key_step }) => ({
  values: Float32Array.from(values.flat()),
  rows: values.length,
  columns: values[0]?.length ?? 0,
  queryStep: query_step,
  keyStep: key_step,
  queries: rows,
  keys: columns,
});

/**
 * What the later parts of the page ask the server.
 *
 * @param {Api} api
 */
export function createCatalogueApi(api) {
  /** @param {string} kind @param {string} path @param {Heard} heard @param {RequestInit} [options] */
  const follow = async (kind, path, heard, options) =>
    followed(await api.ask(kind, path, options, { ...SENT, Accept: "text/event-stream" }), heard);
  return {
    /** @param {Capture} capture @param {Heard} heard @returns {Promise<{scores: Score[]}>} */
    scores: ({ id }, heard) => follow("scores", partPath(id, "scores"), heard),
    /** @param {Capture} capture @param {Heard} heard @returns {Promise<Roles>} */
    roles: ({ id }, heard) => follow("roles", partPath(id, "roles"), heard),
    /** @param {Capture} capture @param {Heard} heard @returns {Promise<Similarity>} */
    similarity: ({ id }, heard) => follow("similarity", partPath(id, "similarity"), heard),
    /** @param {string} model @returns {Promise<{scores: Score[], choice: string}>} */
    probe: async (model) => {
      const options = { method: "POST", body: JSON.stringify({ model }) };
      return (await api.ask("probe", "/api/v1/probes/induction", options, SENT)).json();
    },
    /** @param {Capture} capture @param {Through} through @param {number} cells @param {Heard} heard */
    rollout: async ({ id }, { start, upto, residual, receptive }, cells, heard) => {
      const given = { start, layer: upto, residual, receptive, cells, pool: "max" };
      const known = Object.entries(given).filter(([, value]) => value !== null);
      const query = new URLSearchParams(known.map(([name, value]) => [name, String(value)]));
      return matrixOf(await follow("rollout", partPath(id, `rollout?${query}`), heard));
    },
    /** @param {Capture} capture @param {Through} through @param {Heard} heard @returns {Promise<Matrix>} */
    flow: async ({ id, queries }, { start, upto, residual, receptive }, heard) => {
      const body = JSON.stringify({ start, layer: upto, residual, receptive });
      const { values } = await follow("flow", partPath(id, "flow"), heard, { method: "POST", body });
      return matrixOf({ values, rows: [0, queries], columns: [0, queries], query_step: 1, key_step: 1 });
    },
    stopFlow: () => api.stop("flow"),
  };
}

/** @typedef {ReturnType<typeof createCatalogueApi>} CatalogueApi */
