import { FAINT, percent, quote, weight } from "../../model/format.js";
import { isExact, shares, spread, strongest } from "../../model/matrix.js";
import { make, need } from "../../ui/dom.js";

/** @import {Pattern, Store} from "../../types.js" */

/** @type {[keyof NonNullable<ReturnType<typeof shares>>, string][]} */
const PLACES = [
  ["self", "itself"],
  ["before", "the token before"],
  ["after", "the token after"],
  ["first", "the first token"],
  ["special", "special tokens"],
  ["other", "elsewhere"],
];

/** Said in full where one points at the short form. */
const SPREAD =
  "2 to the mean entropy, in bits, of what each token gives: " +
  "1 when all goes to one token, n when n tokens get the same";

/**
 * The places that the model and the text have at all.
 *
 * @param {Pattern} pattern
 */
export function shareLines({ capture, matrix }) {
  const found = shares(capture, matrix) ?? {};
  return PLACES.flatMap(([place, words]) => {
    const share = found[place];
    return share === undefined ? [] : [{ words, share }];
  });
}

/** @param {Pattern} pattern */
function strongestLine({ capture, matrix }) {
  const best = strongest(capture, matrix);
  if (!best) return [];
  const aside = capture.model.causal ? "the first token" : "special tokens";
  if (best.value < FAINT) return [make("p", {}, `Of all links, ${aside} aside, none reaches ${FAINT}.`)];
  const [query, key] = [best.query, best.key].map((index) => make("b", {}, quote(capture.tokens[index]?.text ?? "")));
  return [
    make(
      "p",
      {},
      `Strongest, ${aside} aside: `,
      query ?? "",
      " attends to ",
      key ?? "",
      ` with ${weight(best.value)} (tokens ${best.query} and ${best.key}).`,
    ),
  ];
}

/** @param {Pattern} pattern */
function shareTable(pattern) {
  const lines = shareLines(pattern);
  if (!lines.length) return [];
  const rows = lines.map(({ words, share }) => {
    const bar = make("span", { class: "bar" });
    // However little there is shows; nothing at all does not.
    bar.style.width = share > 0 ? `max(1px, ${share * 100}%)` : "0";
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, words),
      make("td", { class: "share" }, bar),
      make("td", { class: "number" }, percent(share)),
    );
  });
  return [
    make("table", {}, make("caption", {}, "Where a token of the text looks, on average"), make("tbody", {}, ...rows)),
  ];
}

/** @param {Pattern} pattern */
function spreadLine({ capture, matrix }) {
  const keys = spread(capture, matrix);
  if (keys === null) return [];
  const count = make("span", { class: "defined", tabindex: "0", title: SPREAD }, `about ${keys.toFixed(1)} tokens`);
  return [make("p", {}, "A token looks at ", count, " at once.")];
}

/** @param {Pattern} pattern */
function content(pattern) {
  if (pattern.longest !== undefined)
    return [
      make(
        "p",
        {},
        "The picture shows effects: how long is what a query gets from a key, its weight times the value there, as the output projection writes it. They add up to nothing; what is said here of weights is beside ",
        make("b", {}, "weights"),
        ".",
      ),
    ];
  if (!isExact(pattern.matrix))
    return [
      make(
        "p",
        {},
        "Of a text this long, nothing is added up here yet: the picture shows the largest weight of each cell, and single weights when you look closer.",
      ),
    ];
  const lines = [...strongestLine(pattern), ...shareTable(pattern), ...spreadLine(pattern)];
  return lines.length
    ? lines
    : [make("p", {}, "No token here could have looked elsewhere: there is nothing to say yet.")];
}

/**
 * A few facts about the chosen head, worked out from the very numbers in the picture.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountFacts(root, store) {
  const render = () => {
    const { pattern } = store.get();
    root.hidden = !pattern;
    need(root, ".content").replaceChildren(...(pattern ? content(pattern) : []));
  };
  render();
  return store.subscribe((now, before) => {
    if (now.pattern !== before.pattern) render();
  });
}
