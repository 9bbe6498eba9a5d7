/**
 * What this server has sealed in the last minute: so that answers which come late take nothing back.
 *
 * A session in a cookie is whole in every token, and two requests that overlap start from the same one. The answer that comes last
 * would win, with all that the other has written lost, and nobody the wiser. So a server remembers for a while, per session, the
 * newest state that it has sealed. What a request wants is applied to that state, by the rule that every store keeps (delta.ts):
 * fields of both survive, updates are rerun, whoever met a login or a logout is `gone` and sets no cookie.
 *
 * Every state has a random mark. A token names those of three states before it, and a server remembers more of what it has sealed
 * itself. A token that is older than the newest state opens that one; a token that went on from it elsewhere is newer; anything else
 * is another branch: another server sealed it without knowing of ours. Then the browser's one counts, for it is all that the next
 * server will see, and a `conflict` event tells for each field what was lost. Tokens of somebody else's format have no marks, and an
 * id for one request only: nothing is known of them. Rejected: to remember for ever (that is a store); a cookie for each state (a page
 * that writes fifty times at once would fill the request's headers).
 */
import type { Delta, Environment, Head, Outcome, Stored } from '../contract.js';
import type { Allowance } from './deadline.js';
import { sameBytes } from './delta.js';
import type { Emitter } from './events.js';
import { applyPacked, pack, unpack } from './record.js';
import { MARK_BYTES, type Travelling } from './sealed-form.js';

/** So long a request may be under way, about. */
export const REMEMBERED_MS = 60_000;
/** The oldest go first. */
export const MAX_REMEMBERED = 10_000;
/** Of one session the marks of so many states. Whoever is later than that with his answer is taken for older. */
const MAX_LINEAGE = 64;

interface Entry {
  readonly newest: Travelling;
  readonly until: number;
  /** This state has become a token, or can. */
  isSealed: boolean;
  /** The last one that has, while this one has not. */
  readonly before: Entry | undefined;
}

export interface Recent {
  /** The state that a token opens: its own, or a newer one. 'superseded': of a time before a login. null: it has ended. */
  resume(presented: Travelling): Travelling | 'superseded' | null;
  create(id: string, session: Stored): 'ok' | 'exists';
  /** On the newest state; where none is remembered, on the one that the request came with. */
  commit(id: string, delta: Delta, allowance: Allowance | undefined): Outcome;
  /** `own`: what somebody came with; where that is of another login, it is what he goes on with. */
  newest(id: string, own?: Travelling): Travelling | undefined;
  /** The newest state has become a token; or it could not, and is forgotten. */
  settle(id: string, isSealed: boolean): void;
  end(id: string): void;
}

/** What a request came with, and the notice that a login of it stands under. */
export interface Carrier extends Allowance {
  sealed?: object;
  notice?: number;
}

export function recent(environment: Environment, events: Emitter): Recent {
  const entries = new Map<string, Entry>();
  const ended = new Map<string, number>();

  return {
    resume(presented) {
      const { id } = presented;
      const now = environment.now();
      if ((ended.get(id) ?? 0) > now) return null;
      const entry = entries.get(id);
      if (entry === undefined) return presented;
      if (entry.until <= now) {
        entries.delete(id);
        return presented;
      }
      const relation = compare(presented, entry.newest);
      if (relation === 'superseded') return relation;
      if (relation === 'older') return entry.newest;
      if (relation === 'branch') tellLost(presented, entry.newest);
      if (relation !== 'same') entries.delete(id);
      return presented;
    },

    create(id, session) {
      if (entries.has(id)) return 'exists';
      const record = pack(session);
      remember({ id, session: unpack(record), record, marks: marksAfter(undefined), notice: 0 }, undefined);
      return 'ok';
    },

    commit(id, delta, allowance) {
      const now = environment.now();
      const carrier = allowance as Carrier | undefined;
      const entry = entries.get(id);
      const base = baseOf(carrier?.sealed as Travelling | undefined, entry?.newest);
      if (base === undefined || base.id !== id || (ended.get(id) ?? 0) > now) return GONE;
      const [outcome, , record] = applyPacked(base.session, delta, now);
      if (record === null) return outcome;
      const notice = delta.head.user === undefined ? base.notice : (carrier?.notice ?? 0);
      remember({ id, session: unpack(record), record, marks: marksAfter(base), notice }, entry);
      return outcome;
    },

    newest(id, own) {
      const entry = entries.get(id);
      return entry && baseOf(own, entry.newest);
    },

    settle(id, isSealed) {
      const entry = entries.get(id);
      if (entry === undefined) return;
      if (isSealed) entry.isSealed = true;
      else if (entry.before === undefined) entries.delete(id);
      else entries.set(id, entry.before);
    },

    end(id) {
      entries.delete(id);
      dropOldest(ended, (until) => until);
      ended.set(id, environment.now() + REMEMBERED_MS);
    },
  };

  function remember(newest: Travelling, before: Entry | undefined): void {
    entries.delete(newest.id);
    dropOldest(entries, ({ until }) => until);
    const until = environment.now() + REMEMBERED_MS;
    // One step back is enough, and a chain of them would be a leak.
    const last = before?.isSealed === true ? { ...before, before: undefined } : before?.before;
    entries.set(newest.id, { newest, until, isSealed: false, before: last });
  }

  /** Those whose time is over, and one more where there is no room. The map is in the order of their times. */
  function dropOldest<V>(map: Map<string, V>, untilOf: (value: V) => number): void {
    const now = environment.now();
    for (const [id, value] of map) {
      if (untilOf(value) > now && map.size < MAX_REMEMBERED) return;
      map.delete(id);
    }
  }

  function marksAfter(base: Travelling | undefined): Buffer {
    const mark = environment.random(MARK_BYTES);
    if (base === undefined || base.marks.length === 0) return Buffer.from(mark);
    return Buffer.concat([mark, base.marks.subarray(0, (MAX_LINEAGE - 1) * MARK_BYTES)]);
  }

  function tellLost({ id, session }: Travelling, lost: Travelling): void {
    if (areTwoLogins(session.head, lost.session.head)) return;
    const names = new Set([...session.fields.keys(), ...lost.session.fields.keys()]);
    for (const field of names) {
      if (!sameBytes(session.fields.get(field), lost.session.fields.get(field)))
        events.emit('conflict', { id, field, lost: true });
    }
  }
}

const GONE: Outcome = Object.freeze({ status: 'gone' });

/**
 * Two logins on one session that knew nothing of each other. Whoever plants his anonymous cookie in somebody's browser, and signs in
 * with a copy of it himself, shares an id with his victim from then on. So an id proves nothing here: where logins differ, nothing of one
 * is ever handed to the other.
 */
export function areTwoLogins(a: Head, b: Head): boolean {
  if (a.user === undefined || b.user === undefined) return false;
  return a.user !== b.user || (a.generation === b.generation && a.signedInAt !== b.signedInAt);
}

/** What a request's wishes are applied to: the newest state, where it was made from the one that the request came with. */
function baseOf(own: Travelling | undefined, newest: Travelling | undefined): Travelling | undefined {
  if (own === undefined || newest === undefined || own.id !== newest.id) return newest ?? own;
  const relation = compare(own, newest);
  return relation === 'newer' || relation === 'branch' ? own : newest;
}

/**
 * How a token stands to the newest state that is known here. 'superseded': it is of a time before a login. Versions count states along a branch, so the mark of a state is found
 * as many places down the other's list as it has versions less. Further back than the list reaches, the older one is taken for a
 * forefather. What is known here has a long list. What is presented names three before it: a branch that has gone on by more than
 * that, elsewhere, is not told from one that went on from ours.
 */
function compare(presented: Travelling, known: Travelling): 'same' | 'older' | 'superseded' | 'newer' | 'branch' {
  const [head, other] = [presented.session.head, known.session.head];
  if (areTwoLogins(head, other)) return 'branch';
  const steps = head.version - other.version;
  if (steps === 0) return isMark(presented.marks, 0, known.marks) ? 'same' : 'branch';
  const [young, old] = steps > 0 ? [presented, known] : [known, presented];
  const at = Math.abs(steps) * MARK_BYTES;
  if (at + MARK_BYTES <= young.marks.length && !isMark(young.marks, at, old.marks)) return 'branch';
  if (steps > 0) return 'newer';
  if (head.generation < other.generation) return 'superseded';
  return head.generation === other.generation && head.user === other.user ? 'older' : 'branch';
}

function isMark(marks: Buffer, at: number, own: Buffer): boolean {
  return marks.subarray(at, at + MARK_BYTES).equals(own.subarray(0, MARK_BYTES));
}
