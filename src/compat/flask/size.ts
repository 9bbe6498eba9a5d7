/**
 * How big a value would be if everything that is shared in it were written out, and whether it could be at all.
 *
 * A pickle can say "that list again" ten times, on ten levels: a hundred bytes, ten thousand million leaves. Reading it costs nothing,
 * since what is shared stays shared; copying it, or writing it as JSON, would never end. So the sizes of shared parts are added up
 * without visiting them twice, and a cycle, which has no size, is refused.
 */
import { isFailure } from '../../errors.js';
import { MAX_BYTES, MAX_DEPTH, unreadable, unwritable } from './bounds.js';
import { ByteArray, Decimal, Dict, Markup, type Python, PythonSet, Tuple } from './python.js';

/** Bytes that a value counts besides its text. */
const BASE = 8;
const MAX_SIZE = 8 * MAX_BYTES;

interface Extent {
  readonly size: number;
  readonly height: number;
}

/** SOJOURN_CORRUPT for a cycle, for too many levels, and for what would be too big. */
export function demandBounded(value: Python): void {
  const known = new Map<object, Extent | 'open'>();
  extentOf(value, 0);

  function extentOf(part: Python, depth: number): Extent {
    const inside = partsOf(part);
    if (inside === null) return { size: BASE + lengthOf(part), height: 0 };
    const before = known.get(part as object);
    if (before === 'open') throw unreadable('it contains itself');
    if (depth + (before?.height ?? 0) > MAX_DEPTH) throw unreadable(`it is nested more than ${MAX_DEPTH} deep`);
    if (before !== undefined) return before;
    known.set(part as object, 'open');
    let [size, height] = [BASE, 0];
    for (const each of inside) {
      const extent = extentOf(each, depth + 1);
      size += extent.size;
      height = Math.max(height, extent.height + 1);
      if (size > MAX_SIZE) throw unreadable('written out it would take too much room');
    }
    const extent = { size, height };
    known.set(part as object, extent);
    return extent;
  }
}

/** The same for what is about to be written: SOJOURN_VALUE. */
export function demandWritable(value: Python): void {
  try {
    demandBounded(value);
  } catch (error) {
    if (isFailure(error, 'SOJOURN_CORRUPT')) throw unwritable('', String(error.details.problem));
    throw error;
  }
}

function partsOf(value: Python): Iterable<Python> | null {
  if (Array.isArray(value)) return value;
  if (value instanceof Dict) return both(value);
  return value instanceof Tuple || value instanceof PythonSet ? value.items : null;
}

function* both(dict: Dict): Iterable<Python> {
  for (const entry of dict.entries()) yield* entry;
}

function lengthOf(value: Python): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (value instanceof Markup || value instanceof Decimal) return value.text.length;
  if (typeof value === 'bigint') return value.toString(16).length;
  return value instanceof ByteArray ? value.bytes.length : 0;
}
