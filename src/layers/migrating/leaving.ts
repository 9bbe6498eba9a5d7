/**
 * Leaving a system whose ids are tokens (`Shared`: Flask-Session) for a store of ours, with everybody signed in.
 *
 * An id of theirs is a secret, and ours must not be one: so the session gets another name. Both halves of its token of ours are made from
 * the old id by SHA-256, the same ones on every server. Whoever has the old id can so be given the token of what it has
 * become, by any server, any number of times; nobody else can; and the new store never sees the old id. From then on it is a session like any
 * other: its secret is replaced by a login, and then the old id opens nothing any more.
 *
 * Unlike other sessions these move when they are first looked at, not when they are first written to: the answer that tells of the new
 * token must not tell of a session that another server still knows by the old one.
 *
 * Rejected: to keep the old ids as ids (they would be tokens for as long as the application lives); a new id by chance, noted in the old
 * entry (two first requests at once: two sessions).
 */
import { createHash } from 'node:crypto';
import type { Delta, Outcome, Shared, Store, Stored } from '../../contract.js';
import { hashSecret, idOf, isId, join, type TokenParts } from '../../core/token.js';
import { arrivalOf, fenced, isFrozen, markIn, unfenced, unmarked } from './marks.js';
import { arrived, type Moving } from './move.js';

export interface LeavingSettings {
  readonly from: Store & Shared;
  readonly to: Store;
  readonly moving: Moving;
  readonly phase: 'from' | 'moving';
  /** Whether the old store is asked no more. */
  readonly isOver: () => boolean;
}

export function isShared(store: Store): store is Store & Shared {
  return typeof (store as Partial<Shared>).isId === 'function';
}

/** The token of what the session with this old id becomes. */
export function successorOf(id: string): TokenParts {
  return { id: idOf(derived('id', id).subarray(0, ID_BYTES)), secret: derived('secret', id).toString('base64url') };
}

/** The session as it is to be in the new store. */
export function withSecret(stored: Stored, { secret }: TokenParts): Stored {
  return { ...stored, head: { ...stored.head, secret: hashSecret(secret) } };
}

const ID_BYTES = 16;

function derived(what: 'id' | 'secret', id: string): Buffer {
  return createHash('sha256').update(`sojourn successor ${what}\0${id}`).digest();
}

export type Left = Pick<Store, 'load' | 'create' | 'commit' | 'destroy'>;

export function leaving({ from, to, moving, phase, isOver }: LeavingSettings): Left {
  return {
    /** What has the form of our ids is looked for among ours first: nobody can have put anything there. It may be one of theirs, too. */
    async load(id, atLeast) {
      const own = isId(id) ? arrived(await to.load(id, atLeast)) : null;
      return own === null ? theirs(id, atLeast) : unmarked(own);
    },
    create: (id, session) => (phase === 'from' ? from : to).create(id, session),
    async commit(id, delta) {
      const outcome = isId(id) ? await ours(id, delta) : GONE;
      return outcome.status === 'gone' && phase === 'from' && !isOver() ? there(id, delta) : outcome;
    },
    async destroy(id) {
      // In this order: see move.ts.
      if (!isOver()) await from.destroy(id);
      await to.destroy(successorOf(id).id);
      if (isId(id)) await to.destroy(id);
    },
  };

  async function theirs(id: string, atLeast: number | undefined): Promise<Stored | null> {
    if (!from.isId(id)) return null;
    if (phase === 'from' && !isOver()) {
      const stored = await from.load(id);
      if (stored !== null && !isFrozen(stored)) return stored;
    }
    if (!isOver()) await moving.move(id);
    const token = successorOf(id);
    const stored = arrived(await to.load(token.id, atLeast));
    if (stored === null) return null;
    // Somebody has died on the last step. Who is told the new token can commit: to those the mark would be in the way.
    if (arrivalOf(stored) === 'arriving') await moving.clear(id, stored.head);
    return { ...unmarked(stored), successor: join(token.id, token.secret) };
  }

  /** A place that nobody fills is no session. */
  async function ours(id: string, delta: Delta): Promise<Outcome> {
    const outcome = await to.commit(id, fenced(delta, false));
    return markIn(outcome) === null ? unfenced(outcome) : GONE;
  }

  /** Of a session that has not gone over when it was looked at. It may have meanwhile. */
  async function there(id: string, delta: Delta): Promise<Outcome> {
    const outcome = await from.commit(id, fenced(delta, false));
    if (outcome.status === 'ok' || (outcome.status === 'conflict' && markIn(outcome) === null))
      return unfenced(outcome);
    await moving.move(id);
    // A login gives a session of theirs another id of theirs. What is ours by now has none: the visitor signs in once more.
    return delta.to === undefined ? ours(successorOf(id).id, delta) : GONE;
  }
}

const GONE: Outcome = Object.freeze({ status: 'gone' });
