import assert from "node:assert/strict";
import { test } from "node:test";
import { niceStep } from "../../../static/js/model/plot_area.js";
import { labelled, plotlyTicks } from "../../../static/js/plot/ticks.js";
import { captureOf } from "../worlds.js";

const space = { pixels: 600, line: 13, letters: 14 };
const seen = (/** @type {string[]} */ labels) => labels.map((label) => label.replace(/[\u2066-\u2069]/g, ""));
const many = captureOf(Array.from({ length: 512 }, (_, at) => `w${at}`)).tokens;

test("steps are 1, 2, 5 and their tens", () => {
  assert.deepEqual([0.1, 1, 1.1, 2.1, 5.5, 11, 60].map(niceStep), [1, 1, 2, 5, 10, 20, 100]);
});

test("every token is labelled where all fit", () => {
  const { positions, labels } = labelled(many, [0, 3], space);
  assert.deepEqual(
    [positions, seen(labels)],
    [
      [0, 1, 2],
      ["w0", "w1", "w2"],
    ],
  );
});

test("where they do not fit, some are labelled, with their positions", () => {
  const { step, positions, labels } = labelled(many, [0, 512], space);
  assert.deepEqual([step, positions.length, seen(labels).slice(0, 2)], [20, 26, ["0 w0", "20 w20"]]);
});

test("labels are never closer than one line", () => {
  for (const count of [1, 7, 46, 47, 100, 512]) {
    const { positions } = labelled(many, [0, count], space);
    assert.ok(
      positions.length >= 1 && positions.length * space.line <= Math.max(space.pixels + space.line, space.line),
      `${count}`,
    );
  }
});

test("in a window, its tokens are labelled", () => {
  assert.deepEqual(seen(labelled(many, [100, 102], space).labels), ["w100", "w101"]);
});

test("labels are safe for Plotly", () => {
  const { tickvals, ticktext } = plotlyTicks(captureOf(["<s>", "R&D"]).tokens, [0, 2], space);
  assert.deepEqual(
    [tickvals, seen(ticktext)],
    [
      [0, 1],
      ["&lt;s&gt;", "R&amp;D"],
    ],
  );
});
