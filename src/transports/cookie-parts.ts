/**
 * A token that is too long for one cookie, in two or three.
 *
 * The first one has the session's name and says how many there are, `~2` and then its part; the others are called `<name>-1` and
 * `<name>-2`. A tilde begins no token of ours, so what is whole is read as before. Parts of two tokens put together are a token
 * that does not open: nothing has to be compared here. Where a part comes twice (somebody planted one under another path, or the path
 * was changed), each way to put them together is a candidate, so that the order of cookies decides nothing. An answer takes back the
 * parts that its request showed and that it does not set anew.
 *
 * Rejected: more than three (Node refuses requests with 16 KiB of header lines, and the visitor could not even log out); numbered
 * cookies alone (a shorter session would leave its old tail standing, and nobody would know).
 */
import { cookieValues } from './cookie-header.js';

/** RFC 6265bis 5.6: a cookie whose name and value have more octets together is ignored as a whole. */
export const MAX_COOKIE = 4096;
/** `~2`. */
const MARK = '~';
const MARK_LENGTH = 2;

export function partName(name: string, i: number): string {
  return i === 0 ? name : `${name}-${i}`;
}

/** The longest token that so many cookies of this name can carry. */
export function longestToken(name: string, parts: number): number {
  if (parts === 1) return room(name, 0);
  let longest = -MARK_LENGTH;
  for (let i = 0; i < parts; i++) longest += room(name, i);
  return longest;
}

/** The values of the first cookie and those behind it. One value: the token itself. */
export function split(name: string, token: string): readonly string[] {
  if (token.length <= room(name, 0)) return [token];
  const values: string[] = [];
  let at = room(name, 0) - MARK_LENGTH;
  for (let i = 1; at < token.length; i++) {
    values.push(token.slice(at, at + room(name, i)));
    at += room(name, i);
  }
  return [`${MARK}${values.length + 1}${token.slice(0, room(name, 0) - MARK_LENGTH)}`, ...values];
}

/** More than two cookies of one part are nobody's any more: the first two are looked at. */
const MAX_OF_A_PART = 2;

/** The tokens that begin with the part `first`; `first` itself where that is whole, or where a part is missing. */
export function joined(header: string | undefined, name: string, first: string, parts: number): readonly string[] {
  const count = first[0] === MARK ? Number(first[1]) : 1;
  if (!(count > 1 && count <= parts)) return [first];
  let tokens = [first.slice(MARK_LENGTH)];
  for (let i = 1; i < count; i++) {
    const values = cookieValues(header, partName(name, i), MAX_OF_A_PART);
    if (values.length === 0) return [first];
    tokens = tokens.flatMap((token) => values.map((value) => token + value));
  }
  return tokens;
}

/** The names of further parts that a request shows, from the part `from` on. */
export function tail(header: string | undefined, name: string, from: number, parts: number): string[] {
  const names: string[] = [];
  for (let i = from; i < parts; i++)
    if (cookieValues(header, partName(name, i), 1).length > 0) names.push(partName(name, i));
  return names;
}

function room(name: string, i: number): number {
  return MAX_COOKIE - partName(name, i).length;
}
