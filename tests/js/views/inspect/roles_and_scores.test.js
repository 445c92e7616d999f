import assert from "node:assert/strict";
import { test } from "node:test";
import { roleLines } from "../../../../static/js/views/inspect/roles_and_scores.js";

/** Two heads of one layer: the first attends to the previous token and to the sink, the second to neither. @type {any} */
const findings = {
  roles: {
    roles: [
      {
        name: "previous",
        title: "previous token",
        rule: "at least half",
        choice: "sink left out",
        layer_queries: [8],
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

test("a role comes with its numbers", () => {
  assert.deepEqual(roleLines(findings.roles, 0, 0).lines[0], {
    title: "previous token",
    words: "75 % of the attention outside the sink (20 % if attention were uniform; 8 queries counted)",
    rule: "at least half. sink left out",
  });
});

test("the shares of the sink and of delimiters are shares of all attention", () => {
  const [, dominated] = roleLines(findings.roles, 0, 0).lines;
  assert.deepEqual(dominated, {
    title: "sink-dominated",
    words: "63 % of all attention",
    rule: "over half on the sink",
  });
  assert.deepEqual(
    roleLines(findings.roles, 0, 1).lines.map(({ title }) => title),
    ["delimiters"],
  );
});

test("every head has a share on the sink, a head that does not exist has none", () => {
  assert.deepEqual([roleLines(findings.roles, 0, 0).sink, roleLines(findings.roles, 0, 1).sink], [0.625, 0]);
  assert.deepEqual(roleLines(findings.roles, 3, 9), { lines: [], sink: null });
});
