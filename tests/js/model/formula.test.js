import assert from "node:assert/strict";
import { test } from "node:test";
import { shownFormula } from "../../../static/js/model/formula.js";

test("indices are in brackets", () => {
  assert.equal(shownFormula("A_i,i−1"), "A[i, i−1]");
  assert.equal(shownFormula("A_i,0"), "A[i, 0]");
  assert.equal(shownFormula("H_i = −Σ_j A_ij log₂ A_ij"), "H_i = −Σ_j A[i, j] log₂ A[i, j]");
  assert.equal(shownFormula("Σ_j A_ij over j < i with t_j−1 = t_i"), "Σ_j A[i, j] over j < i with t[j−1] = t[i]");
});
