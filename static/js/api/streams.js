import { ApiError, errorOf } from "./error.js";
import { readEvents } from "./events.js";

/** @import {Capture, Matrix, ModelCard, Overview, Progress, Span} from "../types.js" */

/**
 * Who is told how far a run is.
 *
 * @typedef {object} Heard
 * @property {(position: number) => void} queued how many texts go first
 * @property {(run: Run) => void} running how far it is, from its tokens on
 * @property {(overview: Overview) => void} grown one more layer is there; until the end, the capture has no id
 *
 * @typedef {{tokens: number, done: number, layers: number, seconds: number | null}} Run seconds are foreseen, for all of it
 */

/** The steps of a small picture are even in the square root, so that faint weights keep theirs. */
const WEIGHTS = Float32Array.from({ length: 256 }, (_, step) => (step / 255) ** 2);

/**
 * The heads of a layer, from base64 of [head cells cells] in 256 steps.
 *
 * @param {Capture} capture
 * @param {{cells: number, maps: string}} data
 * @returns {Matrix[]}
 */
function headsOf(capture, { cells, maps }) {
  const letters = atob(maps);
  const values = new Float32Array(letters.length);
  for (let at = 0; at < letters.length; at++) values[at] = WEIGHTS[letters.charCodeAt(at)] ?? 0;
  const step = Math.ceil(capture.queries / cells);
  /** @type {Span} */
  const all = [0, capture.queries];
  const shape = { rows: cells, columns: cells, queryStep: step, keyStep: step, queries: all, keys: all };
  return Array.from({ length: capture.heads }, (_, head) => ({
    values: values.subarray(head * cells ** 2, (head + 1) * cells ** 2),
    ...shape,
  }));
}

/** @param {Capture} capture @param {Matrix[][]} maps @returns {Overview} */
export function overviewOf(capture, maps) {
  return { capture, layers: capture.layers, heads: capture.heads, at: (layer, head) => maps[layer]?.[head] ?? null };
}

/**
 * A run: its heads, small, layer by layer, and the whole of them at its end.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {Heard} heard
 * @returns {Promise<Overview>}
 */
export async function readRun(body, heard) {
  /** @type {Matrix[][]} */
  const maps = [];
  /** @type {Capture | null} */
  let capture = null;
  /** @type {number | null} */
  let seconds = null;
  for await (const { name, data } of readEvents(body)) {
    if (name === "error") throw errorOf(data, data.status);
    if (name === "done") return overviewOf(data, maps);
    if (name === "queued") heard.queued(data.position);
    if (name === "tokens") {
      capture = { ...data, id: "" };
      seconds = data.seconds ?? null;
    }
    if (name === "layer" && capture) maps[data.layer] = headsOf(capture, data);
    if (capture) heard.running({ tokens: capture.queries, done: maps.length, layers: capture.layers, seconds });
    // Not before the first of them is there: what the old text shows stays until then.
    if (capture && maps.length) heard.grown(overviewOf(capture, [...maps]));
  }
  throw new ApiError(0, "unreachable", "the server stopped while the text was running");
}

/**
 * A load: how far it is, and the card of the model at its end.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {(progress: Progress) => void} heard
 * @returns {Promise<ModelCard>}
 */
export async function readLoad(body, heard) {
  for await (const { name, data } of readEvents(body)) {
    if (name === "ready") return data;
    if (name === "error") throw errorOf(data, data.status);
    heard(data);
  }
  throw new ApiError(0, "unreachable", "the server stopped while the model was loading");
}
