import { isAbort, unreachable } from "./error.js";

/**
 * @typedef {object} ServerEvent
 * @property {string} name
 * @property {any} data
 */

/** @param {string} block the lines of one event @returns {ServerEvent | null} null for a comment, which only keeps the connection open */
function parse(block) {
  /** @param {string} field */
  const lines = (field) =>
    block
      .split("\n")
      .filter((line) => line.startsWith(`${field}:`))
      .map((line) => line.slice(field.length + 1).trim());
  const data = lines("data").join("\n");
  return data ? { name: lines("event").at(-1) ?? "message", data: JSON.parse(data) } : null;
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
async function readChunk(reader) {
  try {
    return await reader.read();
  } catch (error) {
    throw isAbort(error) ? error : unreachable("the connection to the server was lost");
  }
}

/**
 * The events of a `text/event-stream` whose data is JSON. (EventSource cannot send a POST request or a key.)
 *
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<ServerEvent>}
 */
export async function* readEvents(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await readChunk(reader);
    if (done) return;
    // The last block may be incomplete: it is kept for the next chunk.
    const blocks = (rest + decoder.decode(value, { stream: true })).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parse(block);
      if (event) yield event;
    }
  }
}
