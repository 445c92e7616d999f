import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi } from "../../../static/js/api/client.js";
import { shownTokens } from "../../../static/js/model/axes.js";
import { maxPooled } from "../../../static/js/model/downsample.js";
import { amount, cellSentence } from "../../../static/js/model/format.js";
import { geometryOf } from "../../../static/js/model/geometry.js";
import { withBias } from "../../../static/js/model/heads.js";
import { tokenSentence } from "../../../static/js/model/token_weights.js";
import { entries, sorted, tsv } from "../../../static/js/model/weight_table.js";
import { shade } from "../../../static/js/plot/colour.js";
import { signedFigure } from "../../../static/js/plot/signed_figure.js";
import { notShown } from "../../../static/js/state/ignored_parts.js";
import { initialState } from "../../../static/js/state/store.js";
import { missingText } from "../../../static/js/views/inspect/facts.js";
import { answerOf, captureOf, matrixOf, npyOf, patternOf } from "../worlds.js";

/** A bias from -4 to 8, of three tokens. @type {any} */
const BIAS = {
  ...patternOf(
    ["a", "b", "c"],
    [
      [1, 0.25, 0],
      [-0.5, 1, 0.25],
      [-0.25, -0.5, 1],
    ],
  ),
  show: "bias",
  longest: 8,
};
const colours = { ink: "", line: "", masked: "#888" };
const size = { width: 800, height: 700 };
const plain = (/** @type {string} */ text) => text.replaceAll(/[\u2066-\u2069]/g, "");
const state = { ...initialState(), pattern: BIAS };

/** @param {any} pattern @param {any} [scale] */
function drawn(pattern, scale = "linear") {
  const geometry = geometryOf({ ...state, pattern }, size);
  assert.ok(geometry);
  return signedFigure(geometry, scale, colours).data;
}

test("a bias is white at 0, and its ends are the largest magnitude on both sides", () => {
  const [{ z, zmin, zmax, colorscale, colorbar }] = drawn(BIAS);
  assert.deepEqual(z, [
    [1, 0.25, 0],
    [-0.5, 1, 0.25],
    [-0.25, -0.5, 1],
  ]);
  assert.deepEqual([zmin, zmax, colorscale[1]], [-1, 1, [0.5, "#ffffff"]]);
  assert.equal(colorbar.title.text, "bias");
  const { tickvals, ticktext } = colorbar;
  assert.deepEqual([tickvals[0], ticktext[0], tickvals.at(-1), ticktext.at(-1)], [-1, "\u22128", 1, "8"]);
  assert.equal(tickvals.filter((/** @type {number} */ at) => at === 0).length, 1);
  assert.deepEqual(
    [...tickvals].sort((one, other) => one - other),
    tickvals,
  );
});

test("each scale bends both sides alike", () => {
  const [{ z }] = drawn(BIAS, "sqrt");
  assert.deepEqual([z[0][1], z[2][0]], [0.5, -0.5]);
});

test("a masked cell has no colour, and in a detail the grey of masked cells", () => {
  const capture = captureOf(["a", "b", "c"], { causal: true });
  const [whole] = drawn({ ...BIAS, capture });
  assert.equal(whole.z[0][1], null);
  const detail = matrixOf([[0.5, 0]], 1, { query: 0, key: 0 });
  const pooled = { ...BIAS, capture, matrix: matrixOf([[1]], 3), detail };
  const [, closer] = drawn(pooled);
  assert.deepEqual([closer.z[0], closer.zmin], [[0.5, -2], -3]);
  assert.deepEqual(closer.colorscale[0], [0, "#888"]);
  assert.deepEqual(closer.colorscale[3], [0.75, "#ffffff"]);
});

test("a bias is divided by its largest magnitude, in windows too", async () => {
  const facts = JSON.stringify({ rows: [0, 1], columns: [0, 2], query_step: 1, key_step: 1 });
  /** @type {string[]} */
  const paths = [];
  const api = createApi(
    /** @type {any} */ (
      async (/** @type {string} */ path) => {
        paths.push(path);
        return new Response(npyOf([1, 2], [2, -4]), { headers: { "X-Headscope": facts } });
      }
    ),
  );
  const pattern = await api.pattern(/** @type {any} */ (captureOf(["a", "b"])), 1, 2, 32, { show: "bias" });
  assert.deepEqual([pattern.longest, [...pattern.matrix.values]], [4, [0.5, -1]]);
  assert.match(String(paths[0]), /heads\/1\/2\?quantity=bias&cells=32/);
  // Of the first query of a causal model, the second key is masked.
  const causal = await api.pattern(captureOf(["a", "b"], { causal: true }), 1, 2, 32, { show: "raw" });
  assert.deepEqual([causal.longest, causal.matrix.values[0]], [2, 1]);
  assert.match(String(paths[1]), /quantity=scores/);
});

test("pooling keeps the largest value, below 0 as well", () => {
  const { values } = maxPooled(matrixOf([[-3, -1, -2, -5]]), 1, 2);
  assert.deepEqual([...values], [-1, -2]);
});

test("a bias below 0 does not highlight a token", () => {
  assert.deepEqual([shade(-0.5, "sqrt"), shade(-0.5, "log"), shade(-0.5, "linear")], [0, 0, 0]);
});

test("sentences, tables and files name a bias, with its sign", () => {
  assert.equal(plain(cellSentence(BIAS, { query: 1, key: 0 })), 'bias of "b"(1) for "a"(0): -4.00');
  assert.equal(amount(BIAS, -1e-9), "0");
  assert.match(
    plain(tokenSentence(BIAS, 1, "query")),
    /^"b"\(1\) has the largest bias for "b"\(1\) 8\.00, "c"\(2\) 2\.00$/,
  );
  const rows = entries(shownTokens(BIAS, state), state);
  const ordered = sorted(rows, "weight", true).map(({ weight }) => weight);
  assert.deepEqual(ordered, [-0.5, -0.5, -0.25, 0, 0.25, 0.25, 1, 1, 1]);
  assert.deepEqual(
    sorted(rows, "weight", false).map(({ weight }) => weight),
    ordered.toReversed(),
  );
  assert.match(tsv(BIAS, rows), /^query_position\tquery\tkey_position\tkey\tbias\n.*\n0\ta\t1\tb\t2\n/);
  assert.match(missingText(BIAS), /shows a bias/);
  const raw = { ...BIAS, show: "raw" };
  assert.equal(plain(cellSentence(raw, { query: 0, key: 1 })), 'raw score of "a"(0) for "b"(1): 2.00');
  assert.match(plain(tokenSentence(raw, 0, "query")), /^"a"\(0\) scores highest "a"\(0\) 8\.00/);
  assert.match(missingText(raw), /shows raw scores/);
  assert.equal(drawn(raw)[0].colorbar.title.text, "raw score");
});

test("the page knows which layers have a bias, and says where there is none", () => {
  const { model } = answerOf("encoder", ["a"], ["b"]);
  assert.deepEqual(withBias(/** @type {any} */ (model)), []);
  const layers = [{ index: 0, heads: 1, kv_heads: 1, why: null, bias: "distance" }];
  assert.equal(withBias(/** @type {any} */ ({ stacks: [{ layers }] })).length, 1);
  const capture = /** @type {any} */ ({ model: { id: "t5" }, stack: "cross" });
  assert.equal(notShown(capture, "bias"), "There is no bias in this layer of cross of t5. Weights are shown.");
});
