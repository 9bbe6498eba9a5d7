/**
 * Is this value JSON as it stands? Then one call of JSON.stringify writes it, and nothing is lost.
 *
 * A fast path and nothing else: it refuses nobody. Whatever it does not know, or finds odd, it answers with false, and the
 * careful writer decides, with a tag or with an error that names the path. Deleting this file would change no byte.
 * (An object of 107 bytes: 1.6 times JSON.stringify and Buffer.from this way, 2.7 times with the careful writer.)
 *
 * One thing escapes it: a getter that answers differently each time it is asked is checked once and written once.
 */
import { CONTAINER, isJsonNumber, isTagLike, MAX_SIZE } from './json-rules.js';

/** Throws what a getter or a proxy throws. */
export function isPlain(value: unknown, maxDepth: number): boolean {
  return !hasForeignToJson() && isPlainWithin(value, maxDepth, { left: MAX_SIZE });
}

/** An old library that put toJSON on a prototype of the language would make JSON.stringify write something else. */
function hasForeignToJson(): boolean {
  return (Array.prototype as { toJSON?: unknown }).toJSON !== undefined;
}

interface Budget {
  left: number;
}

function isPlainWithin(value: unknown, levels: number, budget: Budget): boolean {
  switch (typeof value) {
    case 'string':
      return spend(budget, value.length);
    case 'number':
      return isJsonNumber(value);
    case 'boolean':
      return true;
    case 'object':
      return value === null || isPlainContainer(value, levels, budget);
    default:
      return false;
  }
}

function isPlainContainer(value: object, levels: number, budget: Budget): boolean {
  if (levels === 0) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return isPlainObject(value as Record<string, unknown>, levels - 1, budget);
  return prototype === Array.prototype && Array.isArray(value) && isPlainArray(value, levels - 1, budget);
}

function isPlainArray(value: readonly unknown[], levels: number, budget: Budget): boolean {
  // Own keys are the elements and `length`. Fewer: holes. More: other properties. A hole that hides behind one reads as undefined.
  if (Reflect.ownKeys(value).length !== value.length + 1 || !spend(budget, CONTAINER + value.length)) return false;
  for (let i = 0; i < value.length; i++) if (!isPlainWithin(value[i], levels, budget)) return false;
  return true;
}

function isPlainObject(value: Readonly<Record<string, unknown>>, levels: number, budget: Budget): boolean {
  const keys = Object.keys(value);
  if (hasMoreThan(keys.length, value) || !spend(budget, CONTAINER + keys.length)) return false;
  if (keys.length === 1 && isTagLike(keys[0]!)) return false;
  for (const key of keys) if (key === '__proto__' || !isPlainWithin(value[key], levels, budget)) return false;
  return true;
}

/** Hidden properties or symbols, that is. Asking for names and symbols apart takes a third of Reflect.ownKeys. */
function hasMoreThan(keys: number, value: object): boolean {
  return Object.getOwnPropertyNames(value).length !== keys || Object.getOwnPropertySymbols(value).length !== 0;
}

function spend(budget: Budget, amount: number): boolean {
  budget.left -= amount;
  return budget.left >= 0;
}
