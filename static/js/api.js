import { readEvents } from "./events.js";
import { readNpy } from "./npy.js";

/** @import {Capture, Matrix, ModelCard, Overview, Pattern, Progress, Question} from "./types.js" */

/** Thumbnails are about 32 pixels wide: pooling finer than that would be thrown away by the screen. */
const OVERVIEW_CELLS = 32;
const PATTERN_CELLS = 512;

/** What the server refused, in its own words (RFC 9457), or that it could not be reached. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 when there was no answer
   * @param {string} code
   * @param {string} detail
   * @param {number} [wait] seconds after which the server asks to be tried again; 0 where it does not
   */
  constructor(status, code, detail, wait = 0) {
    super(detail);
    this.status = status;
    this.code = code;
    this.wait = wait;
  }
}

/** @param {unknown} error */
export const isAbort = (error) => error instanceof Error && error.name === "AbortError";

/** @param {any} problem @param {number} status @param {number} [wait] */
function errorOf(problem, status, wait) {
  const detail = problem.detail ?? problem.title ?? `the server answered ${status}`;
  return new ApiError(status, problem.code ?? "unknown", String(detail), wait);
}

/** @param {Response} response */
async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  return errorOf(problem, response.status, Number(response.headers.get("Retry-After")) || 0);
}

/**
 * @param {Response} response
 * @param {(progress: Progress) => void} heard
 * @returns {Promise<ModelCard>}
 */
async function readLoad(response, heard) {
  if (response.body) {
    for await (const { name, data } of readEvents(response.body)) {
      if (name === "ready") return data;
      if (name === "error") throw errorOf(data, data.status);
      heard(data);
    }
  }
  throw new ApiError(0, "unreachable", "the server stopped while the model was loading");
}

/**
 * The key of a shared server, for as long as the tab is open: in an address it would end in histories and logs.
 * Where the browser keeps no storage, it lasts as long as the page.
 */
export function createKeyring() {
  let key = "";
  return {
    get() {
      try {
        return sessionStorage.getItem("key") ?? key;
      } catch {
        return key;
      }
    },
    /** @param {string} given */
    set(given) {
      key = given;
      try {
        sessionStorage.setItem("key", given);
      } catch {
        // Kept above.
      }
    },
  };
}

/** A header can carry nothing else. @param {string} key */
const isSendable = (key) => /^[\x21-\x7e]+$/.test(key);

/**
 * @param {typeof fetch} send
 * @param {string} path
 * @param {RequestInit} options
 */
async function request(send, path, options) {
  let response;
  try {
    response = await send(path, options);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, "unreachable", "the server does not answer; is headscope still running?");
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/**
 * Pooling steps travel in X-Headscope; without them, the shape tells.
 *
 * @param {Response} response
 * @param {Capture} capture
 * @param {number} rows
 * @param {number} columns
 */
function steps(response, capture, rows, columns) {
  const facts = JSON.parse(response.headers.get("X-Headscope") ?? "{}");
  return {
    queryStep: Number(facts.query_step ?? Math.ceil(capture.queries / rows)),
    keyStep: Number(facts.key_step ?? Math.ceil(capture.keys / columns)),
  };
}

/**
 * @param {Response} response
 * @param {Capture} capture
 * @returns {Promise<Overview>}
 */
async function readOverview(response, capture) {
  const { shape, data } = readNpy(await response.arrayBuffer());
  const [layers = 0, heads = 0, rows = 0, columns = 0] = shape;
  const size = rows * columns;
  const shared = { rows, columns, ...steps(response, capture, rows, columns) };
  /** @param {number} layer @param {number} head @returns {Matrix} */
  const at = (layer, head) => {
    const start = (layer * heads + head) * size;
    return { values: data.subarray(start, start + size), ...shared };
  };
  return { capture, layers, heads, at };
}

/**
 * @param {Response} response
 * @param {Capture} capture
 * @returns {Promise<Matrix>}
 */
async function readMatrix(response, capture) {
  const { shape, data } = readNpy(await response.arrayBuffer());
  const [rows = 0, columns = 0] = shape;
  return { values: data, rows, columns, ...steps(response, capture, rows, columns) };
}

/**
 * @param {string} id
 * @param {number} layer
 * @param {number} head
 */
export const headPath = (id, layer, head) => `/api/v1/captures/${encodeURIComponent(id)}/heads/${layer}/${head}`;

/**
 * @param {object} body
 * @param {Record<string, string>} [headers]
 * @returns {[RequestInit, Record<string, string>]}
 */
const posted = (body, headers) => [
  { method: "POST", body: JSON.stringify(body) },
  { "Content-Type": "application/json", ...headers },
];

/**
 * The only door to the server. Of two requests of one kind the newer wins: the older is aborted.
 *
 * @param {typeof fetch} [send]
 * @param {ReturnType<typeof createKeyring>} [keyring]
 */
export function createApi(send = (input, init) => fetch(input, init), keyring = createKeyring()) {
  /** @type {Map<string, AbortController>} */
  const running = new Map();
  /** @param {string} path @param {RequestInit} options @param {Record<string, string>} [headers] */
  const asked = async (path, options, headers) => {
    const key = keyring.get();
    const sent = key && { Authorization: `Bearer ${key}` };
    try {
      return await request(send, path, { ...options, headers: { ...headers, ...sent } });
    } catch (error) {
      const refused = key && error instanceof ApiError && error.code === "key_refused";
      throw refused ? new ApiError(401, "key_wrong", "this is not the key of this server") : error;
    }
  };
  /** @param {string} kind @param {string} path @param {RequestInit} [options] @param {Record<string, string>} [headers] */
  const newest = (kind, path, options, headers) => {
    running.get(kind)?.abort();
    const controller = new AbortController();
    running.set(kind, controller);
    return asked(path, { ...options, signal: controller.signal }, headers);
  };
  const npy = { Accept: "application/x-npy" };
  return {
    /** What every request carries from now on; false for a key that none could. @param {string} key */
    unlock(key) {
      if (isSendable(key)) keyring.set(key);
      return isSendable(key);
    },

    isUnlocked: () => keyring.get() !== "",

    /** What a link would fetch, had links headers to carry the key in. @param {string} path */
    file: async (path) => (await newest("file", path)).blob(),

    /** @returns {Promise<{default: string, models: ModelCard[]}>} */
    models: async () => (await newest("models", "/api/v1/models")).json(),

    /**
     * Begins to load a model, or joins the load; answers its card. Whoever leaves stops no load.
     *
     * @param {string} model
     * @param {(progress: Progress) => void} heard
     */
    load: async (model, heard) => {
      const accept = { Accept: "text/event-stream" };
      return readLoad(await newest("load", "/api/v1/models/load", ...posted({ model }, accept)), heard);
    },

    /** Stops a download, for everybody who waits for it. @param {string} model */
    cancel: async (model) => {
      await newest("cancel", "/api/v1/models/cancel", ...posted({ model }));
    },

    /** @param {Question} question @returns {Promise<Capture>} */
    capture: async ({ model, text, text_pair, truncate }) => {
      const question = { text, text_pair: text_pair.trim() ? text_pair : null, model: model || null, truncate };
      return (await newest("capture", "/api/v1/captures", ...posted(question))).json();
    },

    /** @param {Capture} capture */
    overview: async (capture) => {
      const path = `/api/v1/captures/${encodeURIComponent(capture.id)}/overview?cells=${OVERVIEW_CELLS}&pool=max`;
      return readOverview(await newest("overview", path, {}, npy), capture);
    },

    /** @param {Capture} capture @param {number} layer @param {number} head @returns {Promise<Pattern>} */
    pattern: async (capture, layer, head) => {
      const path = `${headPath(capture.id, layer, head)}?cells=${PATTERN_CELLS}&pool=max`;
      return { capture, layer, head, matrix: await readMatrix(await newest("pattern", path, {}, npy), capture) };
    },

    /** Nothing that is still on its way matters any more. */
    forget: () => {
      for (const kind of ["load", "capture", "overview", "pattern"]) running.get(kind)?.abort();
    },
  };
}

/** @typedef {ReturnType<typeof createApi>} Api */
