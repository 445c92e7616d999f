import assert from "node:assert/strict";
import { test } from "node:test";
import { readEvents } from "../../../static/js/api/events.js";

/** A body that comes in these pieces. @param {string[]} chunks */
function bodyOf(chunks) {
  const bytes = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(bytes.encode(chunk));
      controller.close();
    },
  });
}

/** @param {string[]} chunks */
async function eventsOf(chunks) {
  const events = [];
  for await (const event of readEvents(bodyOf(chunks))) events.push(event);
  return events;
}

const text = 'event: progress\ndata: {"bytes": 1}\n\n: still here\n\nevent: ready\ndata: {"id": "é"}\n\n';
const events = [
  { name: "progress", data: { bytes: 1 } },
  { name: "ready", data: { id: "é" } },
];

test("events are read, and comments are not", async () => {
  assert.deepEqual(await eventsOf([text]), events);
});

test("events may be cut anywhere", async () => {
  for (let at = 1; at < text.length; at += 1) {
    assert.deepEqual(await eventsOf([text.slice(0, at), text.slice(at)]), events, `cut at ${at}`);
  }
});

test("lines may end as on Windows, cut between the two characters too", async () => {
  const windows = text.replaceAll("\n", "\r\n");
  for (let at = 1; at < windows.length; at += 1) {
    assert.deepEqual(await eventsOf([windows.slice(0, at), windows.slice(at)]), events, `cut at ${at}`);
  }
});

test("data over several lines is one", async () => {
  assert.deepEqual(await eventsOf(['data: {"a":\ndata: 1}\n\n']), [{ name: "message", data: { a: 1 } }]);
});

test("an event that is not finished is none", async () => {
  assert.deepEqual(await eventsOf(['data: {"a": 1}\n']), []);
});
