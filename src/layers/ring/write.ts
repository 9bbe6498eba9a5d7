/**
 * Changing a session on all nodes that own it.
 *
 * A commit is applied here, to what was last seen of the session, and written as compare-and-set: where something else was there, it is
 * applied to that, and so on. How it gets to the nodes is landing.ts. A destroy leaves a tombstone.
 *
 * A write without an answer may still happen, or have happened. So what is tried again is not done twice: its stamp tells (attempts.ts).
 * And nobody is refused ('gone', 'conflict', 'exists') of whose write something may be left: what can be taken back is taken back first,
 * and where that cannot be, the answer is an error, as for every write of which nobody knows what became. Rejected: asking the decider
 * first for every write (a round trip more for each).
 */
import type { Delta, Outcome, Stored } from '../../contract.js';
import { Turns } from '../../core/turns.js';
import { applyTo } from './apply.js';
import { type Attempt, holdsOneOf, isLater, isOlder, isOtherLogin, wasTaken } from './attempts.js';
import { type Copy, copyOf } from './copy.js';
import type { Hints } from './hints.js';
import { Landing, type Write } from './landing.js';
import type { Mending } from './mend.js';
import { isMadeOf } from './merge-lost.js';
import { isOutage } from './node.js';
import type { Reads } from './read.js';
import { created, ended, holds, type Live, newestOf, type Replica } from './replica.js';
import { joinedAloud, type Shared, trouble } from './shared.js';
import { laterStamp, type Stamp } from './stamp.js';

const GONE: Outcome = Object.freeze({ status: 'gone' });

/** Other processes may write the same session; after so many times in a row something is wrong. */
const MOST_TRIES = 32;

export interface WritesSettings {
  readonly shared: Shared;
  readonly reads: Reads;
  readonly hints: Hints;
  readonly mending: Mending;
  /** Told of each live session that this process has ended. */
  readonly hasEnded: (id: string) => void;
}

export class Writes {
  readonly #shared: Shared;
  readonly #reads: Reads;
  readonly #landing: Landing;
  readonly #mending: Mending;
  readonly #hasEnded: (id: string) => void;
  readonly #turns = new Turns();

  constructor({ shared, reads, hints, mending, hasEnded }: WritesSettings) {
    this.#shared = shared;
    this.#reads = reads;
    this.#landing = new Landing({ shared, hints, mending });
    this.#mending = mending;
    this.#hasEnded = hasEnded;
  }

  create(id: string, session: Stored): Promise<'ok' | 'exists'> {
    return this.#inTurn(id, () => this.#create(id, session));
  }

  commit(id: string, delta: Delta): Promise<Outcome> {
    return this.#inTurn(id, () => this.#commit(id, delta));
  }

  destroy(id: string): Promise<void> {
    return this.#inTurn(id, () => this.#destroy(id));
  }

  /** What has failed may be on some nodes and not on others. */
  #inTurn<R>(id: string, write: () => Promise<R>): Promise<R> {
    return this.#turns.take(id, () =>
      write().catch((error) => {
        if (isOutage(error)) this.#mending.doubt(id);
        throw error;
      }),
    );
  }

  async #create(id: string, session: Stored): Promise<'ok' | 'exists'> {
    const stamp = this.#shared.clock.stamp();
    const write = this.#landing.begin('create', id, true, false);
    const first = created(session, stamp);
    let copy = copyOf(first, id);
    let expect: Uint8Array | null = null;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const found = await this.#landing.land(write, expect, copy);
      if (found === undefined) {
        this.#shared.memo.set(id, copy);
        return 'ok';
      }
      expect = found.present?.mark ?? null;
      if (found.present === null) continue;
      // A node that answered too late has done it, and somebody has gone on from there.
      if (!isOf(found.present.replica, first, stamp)) return this.#refused(write, null, 'exists');
      copy = found.present;
    }
    throw trouble(this.#shared, 'create', `others were quicker ${MOST_TRIES} times`);
  }

  async #commit(id: string, delta: Delta): Promise<Outcome> {
    const { memo, environment } = this.#shared;
    const isVital = delta.head.secret !== undefined || delta.head.generation !== undefined;
    const write = this.#landing.begin('commit', id, isVital || delta.replaces !== undefined || hasSwap(delta), isVital);
    const tried: Attempt[] = [];
    let base = memo.get(id);
    /** What the decider is expected to have. */
    let expect = base?.mark ?? null;
    let isFresh = false;
    /** The login that it was first applied to. */
    let begun: Stamp | undefined;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      if (base === null) {
        base = await this.#reads.find(id);
        isFresh = true;
        if (base === null) return this.#refused(write, null, GONE);
        expect = base.mark;
      }
      const { replica } = base;
      if (isFresh && isOlder(replica, delta)) base = await this.#newer(id, base, delta);
      const isHeld = holdsOneOf(tried, base.replica);
      let isDone = isHeld;
      const stamp = this.#stampAfter(id, base.replica, tried.at(-1)?.stamp);
      let [outcome, next] = isDone
        ? done(base.replica as Live)
        : isOtherLogin(base.replica, begun)
          ? ([GONE, null] as const)
          : applyTo(base.replica, delta, stamp, environment.now(), tried[0]?.stamp);
      if (next === null && !isFresh) {
        memo.delete(id);
        base = null;
        continue;
      }
      if (next === null) {
        memo.set(id, base);
        const taken = wasTaken(tried, base.replica, delta);
        if (taken === undefined) throw this.#lostSight(write);
        const isOver = isLater(base.replica, delta) || isOtherLogin(base.replica, begun);
        if (!taken) return this.#refused(write, isOver ? base : null, outcome);
        isDone = true;
        [outcome, next] = done(base.replica as Live);
      }
      // Who holds it has gone on from there: what is made of that is made of it.
      const attempt: Attempt = { stamp, next, isLoose: isHeld };
      if (isHeld || !isDone) tried.push(attempt);
      if (base.replica.kind === 'live') begun ??= base.replica.stamps.begun;
      const copy: Copy = isDone
        ? base
        : copyOf(next.head.expiresAt <= environment.now() ? ended(next, stamp, environment.now()) : next, id);
      const found = await this.#landing.land(write, expect, copy);
      if (found === undefined) {
        memo.set(id, copy);
        return outcome;
      }
      attempt.isLoose ||= write.isTaken;
      const { present, decider } = found;
      isFresh = true;
      expect = present?.mark ?? null;
      if (present !== null) {
        // Its word is enough; or it may have missed what is known here.
        base = decider.isSure ? present : joinedAloud(this.#shared, id, present, base);
        memo.set(id, base);
        continue;
      }
      memo.delete(id);
      // It has ended by time, or the node has lost it. All are asked.
      base = await this.#reads.find(id);
      if (base === null) return this.#refused(write, null, GONE);
    }
    throw trouble(this.#shared, 'commit', `others were quicker ${MOST_TRIES} times`);
  }

  /** Who asks has seen a later login than what is here: all copies are brought together. Where all are there, he is wrong. */
  async #newer(id: string, base: Copy, delta: Delta): Promise<Copy> {
    const { whole } = await this.#mending.mend(id);
    const newer = whole === null ? base : joinedAloud(this.#shared, id, base, whole);
    const isKnown = this.#shared.places.of(id).owners.every(({ isUp, isSure }) => isUp && isSure);
    if (isKnown || !isOlder(newer.replica, delta)) return newer;
    throw trouble(this.#shared, 'commit', 'no node that answers knows of the login that this was read after');
  }

  /**
   * The answer, once it is true of all nodes: others may have taken what one has refused. `end`: what should leave nothing of it;
   * null: there is no such thing, and so it cannot be taken back.
   */
  async #refused<A>(write: Write, end: Copy | null, answer: A): Promise<A> {
    const isNowhere = write.loose.size === 0 || (end !== null && (await this.#landing.takeBack(write, end)));
    if (isNowhere) return answer;
    throw this.#lostSight(write);
  }

  #lostSight({ operation, id }: Write): unknown {
    return trouble(
      this.#shared,
      operation,
      `a node that did not answer may have taken it, and ${id} has changed since`,
    );
  }

  async #destroy(id: string): Promise<void> {
    const { memo, environment, clock } = this.#shared;
    const base = memo.get(id) ?? (await this.#findAtAll(id));
    if (base === null) return;
    const stamp = base === 'unknown' ? clock.stamp() : this.#stampAfter(id, base.replica);
    const before = base === 'unknown' ? null : base;
    const copy = copyOf(ended(before?.replica ?? null, stamp, environment.now()), id);
    const write = this.#landing.begin('destroy', id, false, true);
    await this.#landing.bringToAll(write, before?.mark ?? null, copy);
    memo.set(id, copy);
    if (before?.replica.kind === 'live' && before.replica.head.expiresAt > environment.now()) this.#hasEnded(id);
  }

  /** 'unknown': nobody can say whether it exists. Then it ends all the same, wherever somebody hears of it. */
  async #findAtAll(id: string): Promise<Copy | null | 'unknown'> {
    try {
      return await this.#reads.find(id);
    } catch (error) {
      if (!isOutage(error)) throw error;
      return 'unknown';
    }
  }

  /** Later than all that is there, and than what was tried before: some of that may be on a node that has not said so. */
  #stampAfter(id: string, replica: Replica, before?: Stamp): Stamp {
    const { clock, news } = this.#shared;
    const newest = before === undefined ? newestOf(replica) : laterStamp(newestOf(replica), before);
    if (!clock.witness(newest)) news.tell('skew', { id });
    return clock.after(newest);
  }
}

/** Whether it is this session, as it was made or as others have written it since. */
function isOf(replica: Replica, first: Live, stamp: Stamp): boolean {
  return holds(replica, stamp) || (replica.kind === 'live' && isMadeOf(replica, first) === true);
}

function hasSwap(delta: Delta): boolean {
  for (const { op } of delta.fields.values()) if (op === 'swap') return true;
  return false;
}

function done(replica: Live): readonly [Outcome, Live] {
  return [{ status: 'ok', version: replica.head.version }, replica];
}
