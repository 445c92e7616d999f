/** Explains the letters of the formulas. */
export const FORMULA_LETTERS = "A[i, j] is the weight that query i gives to key j.";

/**
 * The formula of a score in plain text, with indices in brackets: A_i,i−1 becomes A[i, i−1], and t_j−1 becomes t[j−1].
 *
 * @param {string} formula
 */
export const shownFormula = (formula) =>
  formula.replaceAll(/A_i,?(i[−+-]1|[ij0])/g, "A[i, $1]").replaceAll(/t_(j−1|[ij])/g, "t[$1]");
