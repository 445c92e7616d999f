import { ApiError, errorOf, isAbort, unreachable } from "./error.js";

/** @import {createKeyStore} from "./key_store.js" */

/** Requests that do not belong to the text on the page: a new run does not abort them. */
const INDEPENDENT = ["models", "cancel", "reload", "file", "probe"];

/** @param {Response} response */
async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  return errorOf(problem, response.status, Number(response.headers.get("Retry-After")) || 0);
}

/**
 * @param {typeof fetch} send
 * @param {string} path
 * @param {RequestInit} options
 */
async function responseOf(send, path, options) {
  let response;
  try {
    response = await send(path, options);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw unreachable("the server does not answer; is headscope still running?");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/**
 * Sends requests, each of a kind. A new request aborts an older one of the same kind that has not been answered.
 *
 * @param {typeof fetch} send
 * @param {ReturnType<typeof createKeyStore>} keys
 */
export function createRequests(send, keys) {
  /** @type {Map<string, AbortController>} the latest of each kind */
  const latest = new Map();

  /** @param {string} path @param {RequestInit} options @param {Record<string, string>} [headers] */
  async function withKey(path, options, headers) {
    const key = keys.get();
    const authorization = key && { Authorization: `Bearer ${key}` };
    try {
      return await responseOf(send, path, { ...options, headers: { ...headers, ...authorization } });
    } catch (error) {
      const isWrong = key && error instanceof ApiError && error.code === "key_refused";
      throw isWrong ? new ApiError(401, "key_wrong", "this is not the key of this server") : error;
    }
  }

  return {
    /** @param {string} kind @param {string} path @param {RequestInit} [options] @param {Record<string, string>} [headers] */
    request(kind, path, options, headers) {
      latest.get(kind)?.abort();
      const controller = new AbortController();
      latest.set(kind, controller);
      return withKey(path, { ...options, signal: controller.signal }, headers);
    },

    /** @param {string} kind */
    abort: (kind) => latest.get(kind)?.abort(),

    /** Abort everything that belongs to the text on the page. */
    abortText() {
      for (const [kind, controller] of latest) if (!INDEPENDENT.includes(kind)) controller.abort();
    },
  };
}
