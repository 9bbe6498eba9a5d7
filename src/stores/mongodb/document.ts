/**
 * A session as a document, and back.
 *
 *   { _id, createdAt, expiresAt, version, generation, secret, previous: { secret, until, opens }, user, signedInAt, remember,
 *     writtenAt, expires, fields: { cart: <bytes>, ... } }
 *
 * `expires` is the deadline as a date, for the server's TTL index; what counts is `expiresAt`. A replaced secret whose time is over is
 * forgotten with the next commit, which an update cannot express: so a commit leaves its time in `writtenAt`, and a secret whose time
 * was over then is not read back.
 *
 * Fields are a document of their own, so that one update changes some and leaves the others. A dot in a name is a path in an update,
 * a dollar an operator, a NUL an error and `__proto__` a trap: such characters are written as %2E, %24, %00 and so on.
 */
import type { Delta, Head, Stored } from '../../contract.js';
import { checkField, headParts } from '../../core/record.js';
import { failure } from '../../errors.js';

/** Without the fields, for walks. */
export const HEAD_ONLY: object = { projection: { fields: 0 } };

/** What dates can hold. */
const LAST_DATE_MS = 8.64e15;

export function documentOf(id: string, { head, fields }: Stored): object {
  check(head, fields);
  const { version, createdAt, ...rest } = head;
  // A Map: as properties of an object, some names would mean something to the driver.
  const written = new Map([...fields].map(([name, value]) => [inDocument(name), bytes(value)]));
  return { _id: id, createdAt, version, ...headColumns(rest), fields: written };
}

/** The update that a delta asks for, on a session that it fits. */
export function updateOf({ head, fields }: Delta, nowMs: number): object {
  check(head, new Map());
  const $set: Record<string, unknown> = { ...headColumns(head) };
  const $unset: Record<string, unknown> = {};
  // A replaced secret that is named now stays for its own time, even when that is over already.
  if (head.previous === undefined) $set.writtenAt = nowMs;
  else $unset.writtenAt = '';
  for (const [name, write] of fields) {
    const value = write.op === 'delete' ? null : write.value;
    checkField(name, value?.length ?? 0);
    if (value === null) $unset[path(name)] = '';
    else $set[path(name)] = bytes(value);
  }
  return { $set, $inc: { version: 1 }, ...(Object.keys($unset).length > 0 && { $unset }) };
}

/** What a session must hold for the delta to land: the conditions of `apply` (core/delta.ts), for the server to check. */
export function filterOf(id: string, { generation, replaces, fields }: Delta, nowMs: number): object {
  const filter: Record<string, unknown> = { _id: id, generation, expiresAt: { $gt: nowMs } };
  if (replaces !== undefined) filter.secret = bytes(replaces);
  for (const [name, write] of fields) {
    if (write.op !== 'swap') continue;
    filter[path(name)] = write.expect === null ? { $exists: false } : { $eq: bytes(write.expect) };
  }
  return filter;
}

/** SOJOURN_CORRUPT for a document that this store cannot have written. */
export function storedIn(document: object, id: string): Stored {
  const { fields } = document as { readonly fields?: unknown };
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw corrupt(id, 'it has no fields');
  const read = new Map<string, Uint8Array>();
  for (const [name, value] of Object.entries(fields)) {
    if (!(value instanceof Uint8Array)) throw corrupt(id, 'one of its fields holds no bytes');
    read.set(fromDocument(name), value);
  }
  return { head: headIn(document, id), fields: read };
}

export function headIn(document: object, id: string): Head {
  const { createdAt, expiresAt, version, generation, secret, previous, user, signedInAt, remember, writtenAt } =
    document as Readonly<Record<string, unknown>>;
  const head = { createdAt, expiresAt, version, generation };
  if (![createdAt, expiresAt].every(isTime) || ![version, generation].every(isCount)) {
    throw corrupt(id, 'its head is incomplete');
  }
  if (!isAbsentOr(secret, (part) => part instanceof Uint8Array)) throw corrupt(id, 'its secret is no bytes');
  if (!isAbsentOr(user, (part) => typeof part === 'string')) throw corrupt(id, 'its user is no text');
  if (!isAbsentOr(signedInAt, isTime)) throw corrupt(id, 'its sign-in has no time');
  if (!isAbsentOr(remember, (part) => typeof part === 'boolean')) throw corrupt(id, 'its head is not as it should be');
  const replaced = previousIn(previous, id);
  const isOver = replaced !== undefined && typeof writtenAt === 'number' && replaced.until <= writtenAt;
  return {
    ...(head as Pick<Head, 'createdAt' | 'expiresAt' | 'version' | 'generation'>),
    ...(secret !== undefined && { secret: secret as Uint8Array }),
    ...(replaced !== undefined && !isOver && { previous: replaced }),
    ...(user !== undefined && { user: user as string }),
    ...(signedInAt !== undefined && { signedInAt: signedInAt as number }),
    ...(remember !== undefined && { remember: remember as boolean }),
  };
}

function previousIn(previous: unknown, id: string): Head['previous'] {
  if (previous === undefined) return undefined;
  const { secret, until, opens } = (previous ?? {}) as Readonly<Record<string, unknown>>;
  const isWhole = secret instanceof Uint8Array && isTime(until);
  if (!isWhole || (opens !== 'session' && opens !== 'nothing')) throw corrupt(id, 'its replaced secret is incomplete');
  return { secret, until, opens };
}

/** What is named of the head, as it stands in the document. */
function headColumns(head: Delta['head']): object {
  const { expiresAt, generation, secret, previous, user, signedInAt, remember } = head;
  return {
    expiresAt,
    expires: new Date(Math.min(Math.max(Math.ceil(expiresAt), -LAST_DATE_MS), LAST_DATE_MS)),
    ...(generation !== undefined && { generation }),
    ...(secret !== undefined && { secret: bytes(secret) }),
    ...(previous !== undefined && { previous: { ...previous, secret: bytes(previous.secret) } }),
    ...(user !== undefined && { user }),
    ...(signedInAt !== undefined && { signedInAt }),
    ...(remember !== undefined && { remember }),
  };
}

/** Refuses what no store keeps, as the packed record of other stores does: SOJOURN_VALUE. */
function check(head: Delta['head'], fields: ReadonlyMap<string, Uint8Array>): void {
  headParts(head);
  for (const [name, value] of fields) checkField(name, value.length);
}

function path(name: string): string {
  return `fields.${inDocument(name)}`;
}

function inDocument(name: string): string {
  if (name === '') return '%';
  if (name === '__proto__') return '%5F_proto__';
  return name.replace(/[%.$\0]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

function fromDocument(name: string): string {
  return name === '%'
    ? ''
    : name.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** A copy: drivers may send later what they were handed. */
function bytes(value: Uint8Array): Buffer {
  return Buffer.from(value);
}

function isAbsentOr(part: unknown, is: (part: unknown) => boolean): boolean {
  return part === undefined || is(part);
}

function isTime(part: unknown): part is number {
  return Number.isFinite(part);
}

function isCount(part: unknown): boolean {
  return Number.isSafeInteger(part) && (part as number) >= 0;
}

function corrupt(id: string, problem: string): Error {
  return failure('SOJOURN_CORRUPT', { what: `Session ${id}`, problem });
}
