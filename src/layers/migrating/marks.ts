/**
 * How a session on its way from one store to another looks: one field that only this layer knows, and what it says.
 *
 * In the old store the field says `frozen`. In the new one it says `reserved`, with a nonce: there is nothing yet but the place; or
 * `arriving`: all of it is there, and the old store may still have it, too. Every other commit expects the field to be absent (a swap of
 * nothing for nothing), so it loses against a mark, whole, and its caller goes on where the session is. That needs no ability beyond
 * what every store has. Rejected: a generation for the fence (to lower it again is more than stores promise); tombstones (they would have
 * to outlive the slowest mover); a lock (who holds it may die).
 *
 * All values are JSON: should one be left behind, an application reads a number or a text, not damage.
 */
import type { Delta, Head, Outcome, Stored, Write } from '../../contract.js';
import { sameBytes } from '../../core/delta.js';
import { failure } from '../../errors.js';

/** Taken while sessions move. */
export const MARK = 'sojourn.migrating';

export const FROZEN: Uint8Array = Buffer.from('1');
const ARRIVING: Uint8Array = Buffer.from('2');
/** A place is kept so long for a session that is on its way. Garbage afterwards, and before that nobody is served from it. */
const RESERVED_MS = 300_000;

/** What the field says in the new store. */
export type Arrival = 'whole' | 'arriving' | 'reserved';

export function isFrozen({ fields }: Stored): boolean {
  return fields.has(MARK);
}

export function arrivalOf({ fields }: Pick<Stored, 'fields'>): Arrival {
  const mark = fields.get(MARK);
  return mark === undefined ? 'whole' : sameBytes(mark, ARRIVING) ? 'arriving' : 'reserved';
}

/** The session without the mark. */
export function unmarked({ head, fields }: Stored): Stored {
  if (!fields.has(MARK)) return { head, fields };
  const rest = new Map(fields);
  rest.delete(MARK);
  return { head, fields: rest };
}

/** The delta, for a session that is not on its way, or, `arriving`, for one whose old self is known to be gone. */
export function fenced(delta: Delta, arriving: boolean): Delta {
  const fence: Write = { op: 'swap', expect: arriving ? ARRIVING : null, value: null };
  return { ...delta, fields: new Map([...delta.fields, [MARK, fence]]) };
}

/** SOJOURN_VALUE for who wants to write the field itself. */
export function refuseMark(fields: ReadonlyMap<string, unknown>): void {
  if (fields.has(MARK))
    throw failure('SOJOURN_VALUE', { path: MARK, problem: 'the name is taken while sessions are migrating' });
}

/** What a conflict says of the mark: null where there is none. */
export function markIn(outcome: Outcome): Uint8Array | null {
  return outcome.status === 'conflict' ? (outcome.fields.get(MARK) ?? null) : null;
}

export function isArriving(mark: Uint8Array): boolean {
  return sameBytes(mark, ARRIVING);
}

/** The outcome as the caller knows his fields. */
export function unfenced(outcome: Outcome): Outcome {
  if (outcome.status !== 'conflict') return outcome;
  const fields = new Map(outcome.fields);
  fields.delete(MARK);
  return { status: 'conflict', fields };
}

/** Nobody changes the session in the old store from here on. */
export function freezing({ generation, expiresAt }: Head): Delta {
  return marking(generation, expiresAt, null, FROZEN);
}

/** A place for a session: no secret, so no token opens it, and no user, so nobody finds it. */
export function reservation({ createdAt, version, generation }: Head, nonce: Uint8Array, now: number): Stored {
  const mark = Buffer.from(JSON.stringify(Buffer.from(nonce).toString('base64url')));
  return {
    head: { createdAt, expiresAt: now + RESERVED_MS, version, generation },
    fields: new Map([[MARK, mark]]),
  };
}

/** The whole session into the place that `reserved` marks. */
export function filling({ head, fields }: Stored, reserved: Uint8Array): Delta {
  const { createdAt: _created, version: _version, ...change } = head;
  const writes = new Map<string, Write>([...fields].map(([field, value]) => [field, { op: 'set', value }]));
  writes.set(MARK, { op: 'swap', expect: reserved, value: ARRIVING });
  return { generation: head.generation, head: change, fields: writes };
}

/** The old store has forgotten it. */
export function settling({ generation, expiresAt }: Head): Delta {
  return marking(generation, expiresAt, ARRIVING, null);
}

function marking(generation: number, expiresAt: number, expect: Uint8Array | null, value: Uint8Array | null): Delta {
  return { generation, head: { expiresAt }, fields: new Map([[MARK, { op: 'swap', expect, value }]]) };
}
