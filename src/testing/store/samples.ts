/**
 * What the store tests put into stores, and how they compare what comes out.
 *
 * Everything is compared in a readable form: bytes as text (long ones as length and hash), maps as sorted pairs. So a
 * Buffer and a Uint8Array with the same content are equal, order never matters, and a failure can be read.
 */
import { AssertionError } from 'node:assert';
import { createHash, randomBytes } from 'node:crypto';
import { inspect, isDeepStrictEqual } from 'node:util';
import type { Delta, Head, Store, Stored, Write } from '../../contract.js';

export const HOUR_MS = 3_600_000;

/** Longer values are compared by hash, so that a failure stays readable. */
const SHOWN_BYTES = 64;

/** An id as the engine makes them: 128 random bits as base64url. */
export function freshId(): string {
  return randomBytes(16).toString('base64url');
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** A new anonymous session with an hour to live. Give `head` to change any part of it. */
export function session(
  nowMs: number,
  fields: Readonly<Record<string, string>> = {},
  head: Partial<Head> = {},
): Stored {
  const values = new Map(Object.entries(fields).map(([field, value]) => [field, bytes(value)]));
  return sessionOf(nowMs, values, head);
}

/** The same with raw bytes and any field names. */
export function sessionOf(nowMs: number, fields: ReadonlyMap<string, Uint8Array>, head: Partial<Head> = {}): Stored {
  const fixed = { createdAt: nowMs, expiresAt: nowMs + HOUR_MS, version: 1, generation: 0, secret: randomBytes(32) };
  return { head: { ...fixed, ...head }, fields };
}

export interface DeltaParts {
  readonly generation?: number;
  readonly replaces?: Uint8Array;
  readonly head?: Partial<Delta['head']>;
}

/** A delta of these writes that leaves an hour to live and names nothing else, unless `parts` says so. */
export function delta(nowMs: number, writes: Readonly<Record<string, Write>>, parts: DeltaParts = {}): Delta {
  return deltaOf(nowMs, new Map(Object.entries(writes)), parts);
}

export function deltaOf(nowMs: number, fields: ReadonlyMap<string, Write>, parts: DeltaParts = {}): Delta {
  const { generation = 0, head = {}, ...replaces } = parts;
  return { generation, ...replaces, head: { expiresAt: nowMs + HOUR_MS, ...head }, fields };
}

export function set(value: string | Uint8Array): Write {
  return { op: 'set', value: typeof value === 'string' ? bytes(value) : value };
}

export const remove: Write = { op: 'delete' };

export function swap(expect: string | null, value: string | null): Write {
  return { op: 'swap', expect: expect === null ? null : bytes(expect), value: value === null ? null : bytes(value) };
}

/** The id of a session that was just created from `stored`. */
export async function created(store: Store, stored: Stored): Promise<string> {
  const id = freshId();
  same(await store.create(id, stored), 'ok', 'create under a fresh id');
  return id;
}

/** What a login changes in the head. */
export function loginHead(nowMs: number, user: string, generation = 1): Delta['head'] {
  const previous = { secret: bytes('before'), until: nowMs + 10_000, opens: 'nothing' as const };
  return { expiresAt: nowMs + HOUR_MS, user, signedInAt: nowMs, secret: bytes('after'), previous, generation };
}

/** Fails unless both read the same; `what` says what was looked at. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [is, should] = [readable(actual), readable(expected)];
  if (isDeepStrictEqual(is, should)) return;
  const message = `${what} should be ${shown(should)}, but is ${shown(is)}`;
  // The operator is our own word: for those of node:assert, Node appends a comparison that repeats the message.
  throw new AssertionError({ message, actual: is, expected: should, operator: 'same' });
}

export function holds(condition: boolean, otherwise: string): void {
  if (!condition) throw new AssertionError({ message: otherwise, actual: false, expected: true, operator: 'holds' });
}

/** The whole content of a session in comparable form, for "exactly as it was before". */
export function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return readableBytes(value);
  if (isMap(value)) return sorted([...value].map(([key, item]) => [String(key), readable(item)]));
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  const named = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(sorted(named.map(([key, item]) => [key, readable(item)])));
}

/** A Map, or a store's own ReadonlyMap: the contract asks for no more. */
export function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> {
  return (
    value instanceof Map ||
    (typeof (value as { entries?: unknown } | null)?.entries === 'function' && !Array.isArray(value))
  );
}

function readableBytes(value: Uint8Array): string {
  if (value.length <= SHOWN_BYTES) return `bytes ${Buffer.from(value).toString('latin1')}`;
  return `${value.length} bytes with SHA-256 ${createHash('sha256').update(value).digest('hex')}`;
}

function sorted(pairs: readonly (readonly [string, unknown])[]): (readonly [string, unknown])[] {
  return [...pairs].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function shown(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: 100, maxArrayLength: 20 });
}
