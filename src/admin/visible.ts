/**
 * Text from outside, made harmless for whoever looks at it: a terminal, a log, a pipe.
 *
 * A terminal obeys what it is shown: ESC moves its cursor and sets its title, U+009B does so as well, U+202E turns the rest of
 * the line around. So whatever is no plain sign is spelled out, `\x1b` or `\u{202e}`, and a backslash is doubled, so that nobody can
 * fake such a spelling. Letters of all scripts stay as they are.
 *
 * Rejected: stripping (two names that differ in what was stripped would look the same), and JSON's own escapes (they let DEL,
 * U+009B and all marks of direction through).
 */

/** Control, format, private, unassigned and half signs; separators other than the space; the backslash. */
const UNPLAIN = /(?! )[\p{C}\p{Z}\\]/gu;

/** The text on one line, with everything spelled out that is no plain sign. */
export function visible(text: string): string {
  return text.replace(UNPLAIN, spelled);
}

/** A value as JSON of ASCII alone: the same value for every reader, and nothing in it for a terminal to obey. */
export function visibleJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(/[\x7f-\uffff]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`);
}

/** Somebody's text inside a message: in quotes, no longer than a line can take, and without the secret half of a token. */
export function quoted(text: string): string {
  return `"${excerpt(text)}"`;
}

/** The same without quotes. */
export function excerpt(text: string): string {
  const shown = text.replace(TOKEN, '$1...');
  return shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}...` : shown;
}

/** True for a text with a token in it, or enough of one. */
export function holdsToken(text: string): boolean {
  return text.search(TOKEN) >= 0;
}

const MAX_SHOWN = 60;
/** An id, a dot, and enough of a secret. */
const TOKEN = /([A-Za-z0-9_-]{22}\.)[A-Za-z0-9_-]{8,}/g;

function spelled(sign: string): string {
  if (sign === '\\') return '\\\\';
  const code = sign.codePointAt(0)!;
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 1)}}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
