/**
 * @typedef {object} ServerEvent
 * @property {string} name
 * @property {any} data
 */

/** @param {string} block the lines of one event @returns {ServerEvent | null} null for a comment, which keeps a line open */
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

/**
 * The events of a `text/event-stream` whose data is JSON. EventSource cannot POST, and carries no key.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<ServerEvent>}
 */
export async function* readEvents(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    // What ends in the middle of an event, or of a line's end, waits for the next chunk.
    const blocks = (rest + decoder.decode(value, { stream: true })).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parse(block);
      if (event) yield event;
    }
  }
}
