/**
 * What writing and reading typed JSON agree on: the bounds, the shape of a tag, the one way to call bytes damaged.
 *
 * Both sides use the same bounds, so that what could be written can be read, and what was read can be written again: a
 * session that is only looked at must never fail at save.
 */
import { failure, type SojournError } from '../errors.js';

/** Nesting of arrays, objects, Maps and Sets, unless the options say otherwise. */
export const DEFAULT_DEPTH = 100;
/**
 * The most that options may ask for. The stack that Node starts with ends at 880 levels of Map in a process that has compiled
 * nothing yet (Node 22; 896 on 26, 926 on 20); the rest is for whoever calls us.
 */
export const DEPTH_LIMIT = 500;
/**
 * Bytes of one encoded value. Encoding also counts what it goes through, never more than it would write: that ends the walk
 * through shared references that double at every level, after a second or two.
 */
export const MAX_SIZE: number = 4 * 1024 * 1024;
/** What an array or object counts besides what is in it: its two brackets. */
export const CONTAINER = 2;
/** Decimal digits of a BigInt: turning more of them into text and back takes longer than a request should. */
export const MAX_BIGINT_DIGITS = 10_000;

const DOLLAR = 36;

/** True for the key of a tagged value, or of an object that must not be taken for one. */
export function isTagLike(key: string): boolean {
  return key.charCodeAt(0) === DOLLAR;
}

/** True for the key of an object of the user's own that was escaped. */
export function isEscaped(key: string): boolean {
  return key.charCodeAt(1) === DOLLAR;
}

/** The numbers that JSON has no word for. */
export const oddNumbers: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);

/** True for a number that plain JSON gives back as it was. */
export function isJsonNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

/** The problem names a rule, never what was read. */
export function corrupt(problem: string): SojournError {
  return failure('SOJOURN_CORRUPT', { what: 'A field', problem });
}
