import { windowsOf } from "./axes.js";
import { plural } from "./format.js";

/** @import {Capture, CellPlace, ShownTokens, Span, State} from "../types.js" */

/** A window shows at least so many tokens, or all of a shorter text. */
export const NARROWEST = 2;

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * The change of the state that removes a window or token of the address that is outside the text, and says so. Empty
 * where all are inside.
 *
 * @param {Capture} capture
 * @param {Pick<State, "rows" | "columns" | "token" | "side">} wanted
 * @returns {Partial<State>}
 */
export function withoutInvalid(capture, wanted) {
  const isOut = {
    rows: (wanted.rows?.[1] ?? 0) > capture.queries,
    columns: (wanted.columns?.[1] ?? 0) > capture.keys,
    token: (wanted.token ?? 0) >= (wanted.side === "key" ? capture.keys : capture.queries),
  };
  const invalid = /** @type {const} */ (["rows", "columns", "token"]).filter((name) => isOut[name]);
  if (!invalid.length) return {};
  const named = invalid.map((name) => `${name}=${String(wanted[name]).replace(",", ":")}`).join(", ");
  const queries = capture.queries === capture.keys ? "" : `the target has ${plural(capture.queries, "token")}, `;
  const notice = `Ignored part of the link: ${named} (${queries}the text has ${plural(capture.keys, "token")})`;
  return { notice, ...Object.fromEntries(invalid.map((name) => [name, null])) };
}

/**
 * The whole tokens nearest to the range of a Plotly axis, whose cell k is between k - 0.5 and k + 0.5. Null for all.
 *
 * @param {[number, number]} range in either direction
 * @param {number} count
 * @returns {Span | null}
 */
export function snap(range, count) {
  const low = Math.round(Math.min(...range) + 0.5);
  const high = Math.round(Math.max(...range) + 0.5);
  const from = clamp(low, 0, Math.max(0, count - NARROWEST));
  const to = clamp(Math.max(high, from + NARROWEST), 0, count);
  return from === 0 && to === count ? null : [from, to];
}

/**
 * The window scaled about a token, which stays as near to its place on the screen as the ends of the text allow.
 *
 * @param {Span} span
 * @param {number} factor under 1 zooms in
 * @param {number} centre
 * @param {number} count
 * @returns {Span | null}
 */
export function scaled(span, factor, centre, count) {
  const width = span[1] - span[0];
  const wanted = clamp(factor < 1 ? Math.floor(width * factor) : Math.ceil(width * factor), NARROWEST, count);
  const part = (centre + 0.5 - span[0]) / width;
  const from = clamp(Math.round(centre + 0.5 - part * wanted), 0, Math.max(0, count - wanted));
  return snap([from - 0.5, from + wanted - 0.5], count);
}

/**
 * The window moved by so many tokens, as far as the ends of the text allow.
 *
 * @param {Span} span
 * @param {number} by
 * @param {number} count
 * @returns {Span}
 */
export function shifted([from, to], by, count) {
  const shift = clamp(Math.round(by), -from, count - to);
  return [from + shift, to + shift];
}

/**
 * The window with `position` in its middle; unchanged where it contains the position already.
 *
 * @param {Span} span
 * @param {number} position
 * @param {number} count
 * @returns {Span}
 */
export function centred(span, position, count) {
  if (position >= span[0] && position < span[1]) return span;
  return shifted(span, position - Math.floor((span[0] + span[1]) / 2), count);
}

/**
 * The window moved just far enough to contain `position`.
 *
 * @param {Span} span
 * @param {number} position
 * @returns {Span}
 */
export function following(span, position) {
  const shift = position < span[0] ? position - span[0] : Math.max(0, position - span[1] + 1);
  return [span[0] + shift, span[1] + shift];
}

/**
 * The windows scaled about a place, or about the middle of what is shown.
 *
 * @param {Pick<ShownTokens, "axes" | "frame">} shown
 * @param {number} factor
 * @param {CellPlace | null} [about]
 */
export function zoomed({ axes, frame: { down, across } }, factor, about) {
  const middle = (/** @type {Span} */ span) => (span[0] + span[1] - 1) / 2;
  return windowsOf(axes, {
    down: scaled(down, factor, about?.down ?? middle(down), axes.down.length),
    across: scaled(across, factor, about?.across ?? middle(across), axes.across.length),
  });
}
