/**
 * What became of a write that nobody has answered for: questions to a copy that was found afterwards.
 *
 * Each write leaves its stamp, and where a login has gone over it, its trace in the lineage (merge-lost.ts). So it can be told whether a
 * copy holds what was tried, was made of it, or never knew of it. Where it cannot be told, the answer to whoever asked is an error.
 */
import type { Delta } from '../../contract.js';
import { isMadeOf } from './merge-lost.js';
import { holds, type Live, type Replica } from './replica.js';
import { ReplicaFields } from './replica-fields.js';
import { compareStamps, type Stamp } from './stamp.js';

/** What a commit has asked nodes to take: with which stamp, and the session after it. */
export interface Attempt {
  readonly stamp: Stamp;
  readonly next: Live;
  /** A node may have taken it. */
  isLoose: boolean;
}

/** Whether something that was tried before is in this copy. */
export function holdsOneOf(tried: readonly Attempt[], replica: Replica): boolean {
  return replica.kind === 'live' && tried.some(({ stamp }) => holds(replica, stamp));
}

/**
 * Whether it was in there, and others have gone over it since: clients send again what had no answer, and then the first answer that comes
 * may be that of the second time. Undefined: nobody can tell, and a node may have taken it. A touch leaves nothing to be told of.
 */
export function wasTaken(tried: readonly Attempt[], replica: Replica, delta: Delta): boolean | undefined {
  const isTouch = delta.fields.size === 0 && delta.head.secret === undefined;
  if (replica.kind === 'ended' || isTouch) return false;
  const made = tried.map(({ next, isLoose }) => isMadeOf(replica, next) ?? (isLoose ? undefined : false));
  if (made.includes(true)) return true;
  if (!made.includes(undefined)) return false;
  const isAfterLogin = tried.some(({ next }) => isOtherLogin(replica, next.stamps.begun));
  return (isAfterLogin && shows(replica, delta)) || undefined;
}

/** A commit that was read after a later login than this one knows. */
export function isOlder(replica: Replica, { generation }: Delta): boolean {
  return replica.kind === 'live' && replica.head.generation < generation;
}

/** Two logins in two halves of the ring made the same generation: what was begun after one is nothing for the other. */
export function isOtherLogin(replica: Replica, begun: Stamp | undefined): boolean {
  return replica.kind === 'live' && begun !== undefined && compareStamps(replica.stamps.begun, begun) !== 0;
}

/** What came after all that this delta may have written. */
export function isLater(replica: Replica, { generation }: Delta): boolean {
  return replica.kind === 'ended' || replica.head.generation > generation;
}

/**
 * Of a write that was brought to a node, nothing is left there: another login is, that did not know of it, or cannot be told to. Where
 * the session has ended, it ended after the write.
 */
export function isOutlived(written: Replica, present: Replica): boolean {
  if (written.kind === 'ended' || present.kind === 'ended' || written === present) return false;
  return isOtherLogin(present, written.stamps.begun) && isMadeOf(present, written) !== true;
}

/** Fields are as they were written. A login stamps all anew, so nothing else may be left to tell by. Of a secret nothing is left at all. */
function shows(replica: Live, { fields, head }: Delta): boolean {
  if (head.secret !== undefined) return false;
  const present = new ReplicaFields(replica);
  return [...fields].every(([name, write]) => {
    const value = write.op === 'delete' ? null : write.value;
    const there = present.get(name);
    return value === null ? there === undefined : there !== undefined && Buffer.compare(value, there) === 0;
  });
}
