import assert from "node:assert/strict";
import { test } from "node:test";
import { roleLines } from "../../../../static/js/views/inspect/scores_card.js";

/** Two heads of one layer: the first looks back and rests, the second does neither. @type {any} */
const findings = {
  roles: {
    roles: [
      {
        name: "previous",
        title: "previous token",
        rule: "at least half",
        choice: "sink left out",
        queries: 8,
        held: [[true, false]],
        share: [[0.75, 0.1]],
        chance: [[0.2, 0.2]],
      },
    ],
    sink: {
      values: [[0.625, 0]],
      rests: { rule: "over half on the sink", held: [[true, false]] },
      delimiter: { rule: "over half on delimiters", held: [[false, true]] },
    },
  },
};

test("a role is said with the numbers behind it", () => {
  assert.deepEqual(roleLines(findings, 0, 0).lines[0], {
    title: "previous token",
    words: "75 % of what is left beside the sink; evenly spread, 20 % (8 queries)",
    rule: "at least half, sink left out",
  });
});

test("resting on the sink and on delimiters is said of all attention", () => {
  const [, rests] = roleLines(findings, 0, 0).lines;
  assert.deepEqual(rests, {
    title: "rests on its sink",
    words: "63 % of all attention",
    rule: "over half on the sink",
  });
  assert.deepEqual(
    roleLines(findings, 0, 1).lines.map(({ title }) => title),
    ["delimiters"],
  );
});

test("what is on the sink is said of every head, a head that is not there has none", () => {
  assert.deepEqual([roleLines(findings, 0, 0).sink, roleLines(findings, 0, 1).sink], [0.625, 0]);
  assert.deepEqual(roleLines(findings, 3, 9), { lines: [], sink: null });
});
