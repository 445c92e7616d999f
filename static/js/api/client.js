import { isMasked } from "../model/matrix.js";
import { createKeyStore, isSendable } from "./key_store.js";
import { readNpy } from "./npy.js";
import { CAPTURES, headPath, partPath, WEIGHTS } from "./paths.js";
import { createRequests } from "./requests.js";
import { loadStackView, readLoad, readRun, seen } from "./streams.js";

/** @import {HeatmapKind} from "./paths.js" */
/** @import {RunListener} from "./streams.js" */
/** @import {Capture, CaptureRequest, Matrix, ModelCard, Overview, Pattern, Progress, Window} from "../types.js" */

/** @typedef {ReturnType<typeof createRequests>} Requests */

/** The small pictures of the grid are about 32 pixels wide: more cells would not be visible. */
const OVERVIEW_CELLS = 32;
export const EVENTS = { Accept: "text/event-stream" };
const NPY = { Accept: "application/x-npy" };

/**
 * A matrix as npy; which tokens it covers is in the header X-Headscope.
 *
 * @param {Response} response
 * @returns {Promise<Matrix>}
 */
export async function readMatrix(response) {
  const facts = JSON.parse(response.headers.get("X-Headscope") ?? "{}");
  const { shape, data } = readNpy(await response.arrayBuffer());
  const [rows = 0, columns = 0] = shape;
  const steps = { queryStep: Number(facts.query_step), keyStep: Number(facts.key_step) };
  return { values: data, rows, columns, ...steps, queries: facts.rows, keys: facts.columns };
}

/**
 * The largest magnitude. The raw scores of masked cells are never seen.
 *
 * @param {Matrix} matrix
 * @param {boolean | null} causal
 */
function largestOf(matrix, causal) {
  const { values, columns } = matrix;
  const isSeen = (/** @type {number} */ at) => !isMasked(matrix, causal, Math.floor(at / columns), at % columns);
  return values.reduce((most, value, at) => (Math.abs(value) > most && isSeen(at) ? Math.abs(value) : most), 0);
}

/** All but weights have no common scale: the heatmap shows them as shares of the largest. @param {Matrix} matrix @param {number} longest */
function asShares(matrix, longest) {
  return {
    longest,
    matrix: { ...matrix, values: longest ? matrix.values.map((value) => value / longest) : matrix.values },
  };
}

/**
 * @param {object} body
 * @param {Record<string, string>} [headers]
 * @returns {[RequestInit, Record<string, string>]}
 */
export const post = (body, headers) => [
  { method: "POST", body: JSON.stringify(body) },
  { "Content-Type": "application/json", ...headers },
];

/** @param {CaptureRequest} request */
const bodyOf = ({ model, text, text_pair, target = "", truncate }) => ({
  text,
  text_pair: text_pair.trim() ? text_pair : null,
  model: model || null,
  truncate,
  ...(target.trim() ? { target } : {}),
});

/** The stack that an answer describes. @param {CaptureRequest} request */
const stackOf = ({ stack }) => (stack ? `&stack=${stack}` : "");

/** @param {Response} response */
export const streamOf = ({ body }) => body ?? new ReadableStream({ start: (stream) => stream.close() });

/** Requests about models. @param {Requests} requests */
const modelCalls = ({ request }) => ({
  /** @returns {Promise<{default: string, models: ModelCard[]}>} */
  models: async () => (await request("models", "/api/v1/models")).json(),

  /**
   * Starts loading a model, or joins a load that is running; returns its card. Aborting the request does not stop the load.
   *
   * @param {string} model
   * @param {(progress: Progress) => void} onProgress
   */
  load: async (model, onProgress) =>
    readLoad(streamOf(await request("load", "/api/v1/models/load", ...post({ model }, EVENTS))), onProgress),

  /** Stops a download, for every client that waits for it. @param {string} model */
  cancel: async (model) => {
    await request("cancel", "/api/v1/models/cancel", ...post({ model }));
  },
});

/** Requests that make a capture. @param {Requests} requests */
function captureCalls({ request }) {
  /** @type {{body: string, capture: Promise<Capture>} | null} */
  let pending = null;
  return {
    /**
     * The capture without its heads: for a capture that the server has evicted. Several callers may need the same one at
     * the same time, so they share one request.
     *
     * @param {CaptureRequest} wanted
     * @returns {Promise<Capture>}
     */
    capture(wanted) {
      const [options, headers] = post(bodyOf(wanted));
      const path = `${CAPTURES}${stackOf(wanted).replace("&", "?")}`;
      const body = `${path} ${options.body}`;
      if (pending?.body === body) return pending.capture;
      const capture = request("capture", path, options, headers).then(async (response) => seen(await response.json()));
      const mine = { body, capture };
      pending = mine;
      const clear = () => {
        if (pending === mine) pending = null;
      };
      capture.then(clear, clear);
      return capture;
    },

    /**
     * Runs a text; returns all its heads, small.
     *
     * @param {CaptureRequest} wanted
     * @param {RunListener} listener
     * @returns {Promise<Overview>}
     */
    run: async (wanted, listener) => {
      const path = `${CAPTURES}?cells=${OVERVIEW_CELLS}&bend=sqrt${stackOf(wanted)}`;
      return readRun(streamOf(await request("run", path, ...post(bodyOf(wanted), EVENTS))), listener);
    },
  };
}

/** Requests for the numbers of one head. @param {Requests} requests */
const headCalls = ({ request }) => ({
  /**
   * The whole heatmap of a head, pooled to at most so many cells a side.
   *
   * @param {Capture} capture
   * @param {number} layer
   * @param {number} head
   * @param {number} cells
   * @param {HeatmapKind} [kind]
   * @returns {Promise<Pattern>}
   */
  pattern: async (capture, layer, head, cells, { words, show } = WEIGHTS) => {
    const path = `${headPath(capture, layer, head, { words, show })}cells=${cells}&pool=max`;
    const values = request("pattern", path, {}, NPY).then(readMatrix);
    const names = words && request("words", partPath({ id: capture.id }, "words")).then((response) => response.json());
    // Awaited together, so that the failure of either is handled.
    const [matrix, named] = await Promise.all([values, names]);
    const shown =
      show === undefined || show === "weights" ? { matrix } : asShares(matrix, largestOf(matrix, capture.model.causal));
    const labelled = named ? (await loadStackView()).withWords(capture, named) : capture;
    return { capture: labelled, layer, head, words, show, ...shown, detail: null };
  },

  /**
   * A part of the heatmap of a head.
   *
   * @param {"detail" | "cell" | "line"} kind
   * @param {Pattern} pattern
   * @param {Window} window
   * @param {number} [cells] pools to at most so many cells a side; without it, every weight is a cell
   */
  window: async (kind, pattern, { rows, columns }, cells) => {
    const path = headPath(pattern.capture, pattern.layer, pattern.head, pattern);
    const pooled = cells ? `&cells=${cells}&pool=max` : "";
    const part = `rows=${rows.join(":")}&columns=${columns.join(":")}${pooled}`;
    const matrix = await readMatrix(await request(kind, `${path}${part}`, {}, NPY));
    return pattern.longest === undefined ? matrix : asShares(matrix, pattern.longest).matrix;
  },
});

/**
 * The only code that talks to the server.
 *
 * @param {typeof fetch} [send]
 * @param {ReturnType<typeof createKeyStore>} [keys]
 */
export function createApi(send = (input, init) => fetch(input, init), keys = createKeyStore()) {
  const requests = createRequests(send, keys);
  return {
    /** Sends this key with every request from now on; false for a key that no header can carry. @param {string} key */
    unlock(key) {
      if (isSendable(key)) keys.set(key);
      return isSendable(key);
    },

    isUnlocked: () => keys.get() !== "",

    /** A file that a plain link cannot fetch, because links carry no key. @param {string} path */
    file: async (path) => (await requests.request("file", path)).blob(),

    ...modelCalls(requests),
    ...captureCalls(requests),
    ...headCalls(requests),
    request: requests.request,
    abort: requests.abort,
    abortText: requests.abortText,
  };
}

/** @typedef {ReturnType<typeof createApi>} Api */
