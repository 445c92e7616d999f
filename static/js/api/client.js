import { ApiError, errorOf } from "./error.js";
import { readNpy } from "./npy.js";
import { readLoad, readRun } from "./streams.js";

/** @import {Heard} from "./streams.js" */
/** @import {Capture, Matrix, ModelCard, Overview, Pattern, Progress, Question, State, Token, Window} from "../types.js" */

/** @typedef {Partial<Pick<State, "words" | "show">>} Shown */

/** Thumbnails are about 32 pixels wide: pooling finer than that would be thrown away by the screen. */
const OVERVIEW_CELLS = 32;
const OF_A_TEXT = "load capture pattern words detail cell line scores roles similarity rollout flow".split(" ");
const CAPTURES = "/api/v1/captures";
/** @type {Shown} */
const WEIGHTS = { words: false, show: "weights" };
const EVENTS = { Accept: "text/event-stream" };

/** @param {unknown} error */
export const isAbort = (error) => error instanceof Error && error.name === "AbortError";

/** @param {Response} response */
async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  return errorOf(problem, response.status, Number(response.headers.get("Retry-After")) || 0);
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
 * What an array is of travels beside it, in X-Headscope.
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

/** @param {string} id @param {string} part */
export const partPath = (id, part) => `${CAPTURES}/${encodeURIComponent(id)}/${part}`;

/**
 * Where the numbers of a head are, or of all heads of its layer together; more parameters follow.
 *
 * @param {string} id
 * @param {number} layer
 * @param {number} head
 * @param {Shown} [shown]
 */
export function headPath(id, layer, head, { words, show } = WEIGHTS) {
  if (show === "layer") return partPath(id, `norms/${layer}?`);
  return partPath(
    id,
    `heads/${layer}/${head}?${show === "effect" ? "quantity=norm&" : ""}${words ? "words=true&" : ""}`,
  );
}

/**
 * A capture whose tokens are words, made of the server's.
 *
 * @param {Capture} capture
 * @param {{words: Omit<Token, "index">[]}} answer
 */
function inWords(capture, { words }) {
  const tokens = words.map((word, index) => ({ ...word, index }));
  return { ...capture, tokens, queries: tokens.length, keys: tokens.length };
}

/** Effects have no common scale: a picture shows them as shares of its longest. @param {Matrix} matrix */
function asShares(matrix, longest = matrix.values.reduce((most, value) => Math.max(most, value), 0)) {
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
const posted = (body, headers) => [
  { method: "POST", body: JSON.stringify(body) },
  { "Content-Type": "application/json", ...headers },
];

/** @param {Question} question */
const asBody = ({ model, text, text_pair, truncate }) => ({
  text,
  text_pair: text_pair.trim() ? text_pair : null,
  model: model || null,
  truncate,
});

/** @param {Response} response */
const bodyOf = ({ body }) => body ?? new ReadableStream({ start: (stream) => stream.close() });

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
      return readLoad(bodyOf(await newest("load", "/api/v1/models/load", ...posted({ model }, EVENTS))), heard);
    },

    /** Stops a download, for everybody who waits for it. @param {string} model */
    cancel: async (model) => {
      await newest("cancel", "/api/v1/models/cancel", ...posted({ model }));
    },

    /** The capture alone, where its heads are there already. @param {Question} question @returns {Promise<Capture>} */
    capture: async (question) => (await newest("capture", CAPTURES, ...posted(asBody(question)))).json(),

    /**
     * Runs a text; answers all its heads, small.
     *
     * @param {Question} question
     * @param {Heard} heard
     * @returns {Promise<Overview>}
     */
    run: async (question, heard) => {
      const path = `${CAPTURES}?cells=${OVERVIEW_CELLS}&bend=sqrt`;
      return readRun(bodyOf(await newest("capture", path, ...posted(asBody(question), EVENTS))), heard);
    },

    /**
     * A head, whole; of a long text, pooled to so many cells.
     *
     * @param {Capture} capture
     * @param {number} layer
     * @param {number} head
     * @param {number} cells
     * @param {Shown} [shown]
     * @returns {Promise<Pattern>}
     */
    pattern: async (capture, layer, head, cells, { words, show } = WEIGHTS) => {
      const path = `${headPath(capture.id, layer, head, { words, show })}cells=${cells}&pool=max`;
      const answer = newest("pattern", path, {}, npy).then(readMatrix);
      const named = words && newest("words", partPath(capture.id, "words")).then((response) => response.json());
      // Together: where one fails, somebody must hear of the other.
      const [matrix, said] = await Promise.all([answer, named]);
      const shown = show === undefined || show === "weights" ? { matrix } : asShares(matrix);
      const whose = said ? inWords(capture, said) : capture;
      return { capture: whose, layer, head, words, show, ...shown, detail: null };
    },

    /**
     * A window of a head: pooled, where so many cells do not hold it.
     *
     * @param {"detail" | "cell" | "line"} kind of two of one kind, the newer wins
     * @param {Pattern} pattern
     * @param {Window} window
     * @param {number} [cells] as many as there are, where it is left out
     */
    window: async (kind, pattern, { rows, columns }, cells) => {
      const path = headPath(pattern.capture.id, pattern.layer, pattern.head, pattern);
      const pooled = cells ? `&cells=${cells}&pool=max` : "";
      const part = `rows=${rows.join(":")}&columns=${columns.join(":")}${pooled}`;
      const matrix = await readMatrix(await newest(kind, `${path}${part}`, {}, npy));
      return pattern.longest === undefined ? matrix : asShares(matrix, pattern.longest).matrix;
    },

    /** What the parts of the page ask for that come later. */
    ask: newest,

    /** @param {string} kind */
    stop: (kind) => running.get(kind)?.abort(),

    /** Nothing that is still on its way matters any more. */
    forget: () => {
      for (const kind of OF_A_TEXT) running.get(kind)?.abort();
    },
  };
}

/** @typedef {ReturnType<typeof createApi>} Api */
