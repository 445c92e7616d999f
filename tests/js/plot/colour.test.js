import assert from "node:assert/strict";
import { test } from "node:test";
import { COLOURSCALE, colour, colourbarTicks, shade } from "../../../static/js/plot/colour.js";
import { SCALES } from "../../../static/js/state/url.js";

for (const scale of SCALES) {
  test(`${scale}: no weight is darkest, all of it brightest, and more is never darker`, () => {
    const weights = Array.from({ length: 101 }, (_, at) => at / 100);
    const shades = weights.map((weight) => shade(weight, scale));
    assert.deepEqual([shades[0], shades[100]], [0, 1]);
    assert.ok(shades.every((value, at) => at === 0 || value > shades[at - 1]));
  });

  test(`${scale}: the colour bar names weights where their colours are`, () => {
    const { tickvals, ticktext } = colourbarTicks(scale);
    assert.deepEqual(
      tickvals,
      ticktext.map((text) => shade(Number(text.replace("≤ ", "")), scale)),
    );
  });
}

test("weights slightly outside 0..1 have the colours of the ends", () => {
  assert.deepEqual([shade(1.0000001, "linear"), shade(-1e-9, "linear"), shade(0, "log")], [1, 0, 0]);
});

test("grid and heatmap have the same colours", () => {
  const [red, green, blue] = [0, 8, 16].map((shift) => (colour(1, "linear") >>> shift) & 255);
  assert.equal(COLOURSCALE.at(-1)?.[1], `rgb(${red},${green},${blue})`);
  assert.equal(colour(0, "sqrt") >>> 24, 255);
});

test("no weight is grey: grey marks masked cells", () => {
  for (let at = 0; at <= 255; at++) {
    const [red, green, blue] = [0, 8, 16].map((shift) => (colour(at / 255, "linear") >>> shift) & 255);
    assert.ok(Math.max(red, green, blue) - Math.min(red, green, blue) > 40, `${red} ${green} ${blue}`);
  }
});
