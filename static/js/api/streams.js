import { errorOf, unreachable } from "./error.js";
import { readEvents } from "./events.js";

/** @import {Capture, Matrix, ModelCard, Overview, Progress, Span} from "../types.js" */

/**
 * Called while a text runs.
 *
 * @typedef {object} RunListener
 * @property {(position: number) => void} onQueued how many texts run before this one
 * @property {(run: RunProgress) => void} onProgress
 * @property {(text: string, tokens: number) => void} onWritten what the model has written of the target so far
 * @property {(overview: Overview) => void} onLayer after each layer, with all layers so far; the capture has no id yet
 *
 * @typedef {object} RunProgress
 * @property {number} tokens
 * @property {number} done layers that are done
 * @property {number} layers
 * @property {number | null} seconds estimate for the whole run
 */

export const loadStackView = () => import("../model/stack_view.js");

/** A capture as its stack sees it; most models have one. @param {Capture} capture */
export const seen = async (capture) => (capture.stack ? (await loadStackView()).seenAt(capture) : capture);

/** The small pictures are sent in 256 steps of the square root of the weight, which keeps faint weights apart. */
const WEIGHTS = Float32Array.from({ length: 256 }, (_, step) => (step / 255) ** 2);

/**
 * The heads of a layer, from base64 of [head rows cells].
 *
 * @param {Capture} capture
 * @param {{cells: number, rows?: number, maps: string}} data
 * @returns {Matrix[]}
 */
function headsOf({ queries, keys }, { cells, rows = cells, maps }) {
  const bytes = atob(maps);
  const values = new Float32Array(bytes.length);
  for (let at = 0; at < bytes.length; at++) values[at] = WEIGHTS[bytes.charCodeAt(at)] ?? 0;
  const size = rows * cells;
  /** @type {{queries: Span, keys: Span}} */
  const all = { queries: [0, queries], keys: [0, keys] };
  const steps = { queryStep: Math.ceil(queries / rows), keyStep: Math.ceil(keys / cells) };
  // Layers may differ in heads.
  return Array.from({ length: values.length / size }, (_, head) => ({
    values: values.subarray(head * size, (head + 1) * size),
    rows,
    columns: cells,
    ...steps,
    ...all,
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
  /** As the server describes it, and as the page sees it. @type {Capture | null} */
  let described = null;
  /** @type {Capture | null} */
  let capture = null;
  /** @type {string[]} */
  const written = [];
  /** @type {number | null} */
  let seconds = null;
  for await (const { name, data } of readEvents(body)) {
    if (name === "error") throw errorOf(data, data.status);
    if (name === "done") return overviewOf(await seen(data), thumbnails);
    if (name === "queued") listener.onQueued(data.position);
    if (name === "tokens") {
      described = { ...data, id: "" };
      seconds = data.seconds ?? null;
    }
    if (name === "token") {
      written.push(data.text);
      // For people: "·" is a space.
      listener.onWritten(written.join("").replaceAll("·", " ").trim(), written.length);
      continue;
    }
    if (name === "target") described = { ...described, ...data };
    if (described && (name === "tokens" || name === "target")) capture = await seen(described);
    if (name === "layer" && capture) thumbnails[data.layer] = headsOf(capture, data);
    if (capture)
      listener.onProgress({ tokens: capture.keys, done: thumbnails.length, layers: capture.layers, seconds });
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
