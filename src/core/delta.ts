/**
 * How a delta meets a stored session: the rule of `commit`, in one pure function.
 *
 * Simple stores (memory, LMDB, files) call it inside whatever makes them atomic; stores that merge on a server (a Redis
 * script, an SQL update) follow the same five steps in their own language, and the conformance kit compares.
 */
import type { Delta, Head, Outcome, Stored, Write } from '../contract.js';

/** What came of it: the outcome, and the session to write down when that is 'ok'. */
export type Applied = readonly [outcome: Outcome, next: Stored | null];

const GONE: Applied = [{ status: 'gone' }, null];

export function apply(stored: Stored | null, delta: Delta, now: number): Applied {
  // 1. Absent, expired, or signed in anew: gone. Never bring anything back.
  if (stored === null || stored.head.expiresAt <= now || stored.head.generation !== delta.generation) return GONE;
  // 2. A rotation that another rotation has overtaken, or a swap whose field has changed: conflict, with the present values.
  if (isOvertaken(stored.head, delta) || hasLostSwap(stored, delta.fields))
    return [conflict(stored, delta.fields), null];
  // 3. The head: named properties change, the rest stays, the version grows. A secret whose grace is over is forgotten.
  const head: Head = { ...withoutPast(stored.head, now), ...delta.head, version: stored.head.version + 1 };
  // 4. The fields.
  const fields = delta.fields.size === 0 ? stored.fields : written(stored.fields, delta.fields);
  // 5. Both, or neither.
  return [
    { status: 'ok', version: head.version },
    { head, fields },
  ];
}

/** Byte equality; null is an absent field. */
export function sameBytes(a: Uint8Array | null | undefined, b: Uint8Array | null | undefined): boolean {
  if (a === b) return true;
  if (!a || !b) return (a ?? null) === (b ?? null);
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** 38 bytes that every signed-in session would carry to its end, and that open nothing any more. */
function withoutPast(head: Head, now: number): Head {
  if (head.previous === undefined || head.previous.until > now) return head;
  const { previous: _previous, ...rest } = head;
  return rest;
}

function isOvertaken(head: Head, delta: Delta): boolean {
  return delta.replaces !== undefined && !sameBytes(head.secret, delta.replaces);
}

function hasLostSwap(stored: Stored, writes: ReadonlyMap<string, Write>): boolean {
  for (const [field, write] of writes) {
    if (write.op === 'swap' && !sameBytes(stored.fields.get(field), write.expect)) return true;
  }
  return false;
}

function conflict(stored: Stored, writes: ReadonlyMap<string, Write>): Outcome {
  const fields = new Map<string, Uint8Array | null>();
  for (const [field, write] of writes) if (write.op === 'swap') fields.set(field, stored.fields.get(field) ?? null);
  return { status: 'conflict', fields };
}

function written(
  fields: ReadonlyMap<string, Uint8Array>,
  writes: ReadonlyMap<string, Write>,
): ReadonlyMap<string, Uint8Array> {
  const next = new Map(fields);
  for (const [field, write] of writes) {
    const value = write.op === 'delete' ? null : write.value;
    if (value === null) next.delete(field);
    else next.set(field, value);
  }
  return next;
}
