import { errorOf, unreachable } from "./error.js";
import { readEvents } from "./events.js";

/** @import {Capture, Matrix, ModelCard, Overview, Progress, Span} from "../types.js" */

/**
 * Called while a text runs.
 *
 * @typedef {object} RunListener
 * @property {(position: number) => void} onQueued how many texts run before this one
 * @property {(run: RunProgress) => void} onProgress
 * @property {(overview: Overview) => void} onLayer after each layer, with all layers so far; the capture has no id yet
 *
 * @typedef {object} RunProgress
 * @property {number} tokens
 * @property {number} done layers that are done
 * @property {number} layers
 * @property {number | null} seconds estimate for the whole run
 */

/** The small pictures are sent in 256 steps of the square root of the weight, which keeps faint weights apart. */
const WEIGHTS = Float32Array.from({ length: 256 }, (_, step) => (step / 255) ** 2);

/**
 * The heads of a layer, from base64 of [head cells cells].
 *
 * @param {Capture} capture
 * @param {{cells: number, maps: string}} data
 * @returns {Matrix[]}
 */
function headsOf(capture, { cells, maps }) {
  const bytes = atob(maps);
  const values = new Float32Array(bytes.length);
  for (let at = 0; at < bytes.length; at++) values[at] = WEIGHTS[bytes.charCodeAt(at)] ?? 0;
  const step = Math.ceil(capture.queries / cells);
  // Layers may differ in heads.
  const heads = values.length / cells ** 2;
  /** @type {Span} */
  const all = [0, capture.queries];
  const shape = { rows: cells, columns: cells, queryStep: step, keyStep: step, queries: all, keys: all };
  return Array.from({ length: heads }, (_, head) => ({
    values: values.subarray(head * cells ** 2, (head + 1) * cells ** 2),
    ...shape,
  }));
}

/** @param {Capture} capture @param {Matrix[][]} thumbnails @returns {Overview} */
export function overviewOf(capture, thumbnails) {
  return {
    capture,
    layers: capture.layers,
    heads: capture.heads,
    at: (layer, head) => thumbnails[layer]?.[head] ?? null,
  };
}

/**
 * A run: reports its layers as they arrive; returns all its heads, small.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {RunListener} listener
 * @returns {Promise<Overview>}
 */
export async function readRun(body, listener) {
  /** @type {Matrix[][]} */
  const thumbnails = [];
  /** @type {Capture | null} */
  let capture = null;
  /** @type {number | null} */
  let seconds = null;
  for await (const { name, data } of readEvents(body)) {
    if (name === "error") throw errorOf(data, data.status);
    if (name === "done") return overviewOf(data, thumbnails);
    if (name === "queued") listener.onQueued(data.position);
    if (name === "tokens") {
      capture = { ...data, id: "" };
      seconds = data.seconds ?? null;
    }
    if (name === "layer" && capture) thumbnails[data.layer] = headsOf(capture, data);
    if (capture)
      listener.onProgress({ tokens: capture.queries, done: thumbnails.length, layers: capture.layers, seconds });
    // The grid shows the previous text until the first layer is there.
    if (capture && thumbnails.length) listener.onLayer(overviewOf(capture, [...thumbnails]));
  }
  throw unreachable("the server stopped while the text was running");
}

/**
 * A load: reports its progress; returns the card of the model.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<ModelCard>}
 */
export async function readLoad(body, onProgress) {
  for await (const { name, data } of readEvents(body)) {
    if (name === "ready") return data;
    if (name === "error") throw errorOf(data, data.status);
    onProgress(data);
  }
  throw unreachable("the server stopped while the model was loading");
}
