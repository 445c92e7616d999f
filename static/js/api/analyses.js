import { errorOf } from "./error.js";
import { readEvents } from "./events.js";
import { partPath } from "./paths.js";

/** @import {Api} from "./client.js" */
/** @import {Capture, Matrix} from "../types.js" */

/** @typedef {(percent: number) => void} OnProgress */

const JSON_BODY = { "Content-Type": "application/json" };

/**
 * The result of an event stream that reports its progress.
 *
 * @param {Response} response
 * @param {OnProgress} onProgress
 */
async function resultOf({ body }, onProgress) {
  for await (const { name, data } of readEvents(/** @type {ReadableStream<Uint8Array>} */ (body))) {
    if (name === "progress") onProgress(data.percent);
    if (name === "done") return data;
    if (name === "error") throw errorOf(data, data.status);
  }
  throw new Error("the server stopped before the result was complete");
}

/**
 * @param {{values: number[][], rows: [number, number], columns: [number, number], query_step: number, key_step: number}} answer
 * @returns {Matrix}
 */
const matrixOf = ({ values, rows, columns, query_step, key_step }) => ({
  values: Float32Array.from(values.flat()),
  rows: values.length,
  columns: values[0]?.length ?? 0,
  queryStep: query_step,
  keyStep: key_step,
  queries: rows,
  keys: columns,
});

/**
 * What the panels request.
 *
 * @param {Api} api
 */
export function createAnalysisApi(api) {
  /**
   * An analysis of a capture, with its progress.
   *
   * @param {Capture} capture
   * @param {string} part the end of its address, such as "rollout?start=1"
   * @param {OnProgress} onProgress
   * @param {object} [body] sent as JSON with POST; without it, the request is a GET
   * @returns {Promise<any>}
   */
  async function analyse(capture, part, onProgress, body) {
    const [kind = ""] = part.split("?");
    const options = body && { method: "POST", body: JSON.stringify(body) };
    const headers = { ...JSON_BODY, Accept: "text/event-stream" };
    return resultOf(await api.request(kind, partPath(capture, part), options, headers), onProgress);
  }

  return {
    analyse,

    /**
     * An analysis whose result is a matrix of tokens. An answer that names no window is about all tokens.
     *
     * @param {Capture} capture
     * @param {string} part
     * @param {OnProgress} onProgress
     * @param {object} [body]
     */
    async analyseMatrix(capture, part, onProgress, body) {
      const all = [0, capture.queries];
      const whole = { rows: all, columns: all, query_step: 1, key_step: 1 };
      return matrixOf({ ...whole, ...(await analyse(capture, part, onProgress, body)) });
    },

    /** The induction probe of a model, which needs no text. @param {string} model @returns {Promise<any>} */
    probe: async (model) => {
      const options = { method: "POST", body: JSON.stringify({ model }) };
      return (await api.request("probe", "/api/v1/probes/induction", options, JSON_BODY)).json();
    },

    abort: api.abort,
  };
}

/** @typedef {ReturnType<typeof createAnalysisApi>} AnalysisApi */
