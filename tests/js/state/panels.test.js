import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { PANELS } from "../../../static/js/state/panels/index.js";
import { initialState } from "../../../static/js/state/store.js";
import { parse } from "../../../static/js/state/url.js";

for (const { name, fields, results } of PANELS) {
  test(`the descriptor of ${name} is all that state and address need`, () => {
    const state = /** @type {any} */ (initialState());
    assert.deepEqual(parse(`#panel=${name}`), { panel: name });
    for (const [field, { initial }] of Object.entries(fields)) assert.equal(state[field], initial, field);
    for (const result of Object.keys(results)) assert.ok(result in state, result);
  });

  test(`${name} has a file that draws it`, () => {
    assert.ok(existsSync(new URL(`../../../static/js/views/panels/${name}.js`, import.meta.url)));
  });
}

test("no two panels share a name, a field or a result", () => {
  const names = PANELS.flatMap(({ name, fields, results }) => [name, ...Object.keys(fields), ...Object.keys(results)]);
  const twice = names.filter((name, at) => names.indexOf(name) !== at && !PANELS.some((panel) => panel.name === name));
  assert.deepEqual(twice, []);
});
