/**
 * Changing a session on all nodes that own it.
 *
 * A commit is applied here, to what was last seen of the session, and written as compare-and-set: where something else was there, it is
 * applied to that, and so on. The first sure owner decides. Where nothing has to be decided, all owners are asked together;
 * a swap, a rotation and a login go to the decider first, and the others take what came of it. A destroy leaves a tombstone.
 *
 * A write without an answer may still happen, or have happened. So what is tried again is not done twice: its stamp tells. And
 * nobody is refused ('gone', 'conflict', 'exists') of whose write something may be left: what can be taken back is taken back first,
 * and where that cannot be, the answer is an error, as for every write of which nobody knows what became. Rejected: asking the decider
 * first for every write (a round trip more for each).
 */
import type { Delta, Outcome, Stored } from '../../contract.js';
import { Turns } from '../../core/turns.js';
import { applyTo } from './apply.js';
import { type Copy, copyOf, isCorrupt } from './copy.js';
import type { Hints } from './hints.js';
import type { Mending } from './mend.js';
import { isMadeOf } from './merge-lost.js';
import type { RingWrite } from './news.js';
import { isOutage, type Node } from './node.js';
import type { Place } from './place.js';
import { fencedFor, presentIn, push, replaceAt } from './push.js';
import { inOrder, type Reads } from './read.js';
import { created, ended, holds, type Live, newestOf, type Replica } from './replica.js';
import { ReplicaFields } from './replica-fields.js';
import { joinedAloud, type Shared, trouble } from './shared.js';
import { compareStamps, type Stamp } from './stamp.js';

const GONE: Outcome = Object.freeze({ status: 'gone' });

/** Other processes may write the same session; after so many times in a row something is wrong. */
const MOST_TRIES = 32;
/** A node that is up, and did not take what it must take, is asked again until it is down: three failures are enough for that. */
const MUST_TRIES = 3;

interface Write {
  readonly operation: RingWrite;
  readonly id: string;
  /** Another one after the table has changed. */
  place: Place;
  /** One node says yes before others hear of it. */
  readonly isDecided: boolean;
  /** No node that is up may be left without it: it would go on accepting an old secret. */
  readonly isVital: boolean;
  /** Nodes that may have taken something of it that was not acknowledged. */
  readonly loose: Set<Node>;
  /** One of these has not said whether it did. */
  isUnknown: boolean;
}

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
  readonly #hints: Hints;
  readonly #mending: Mending;
  readonly #hasEnded: (id: string) => void;
  readonly #turns = new Turns();

  constructor({ shared, reads, hints, mending, hasEnded }: WritesSettings) {
    this.#shared = shared;
    this.#reads = reads;
    this.#hints = hints;
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
    const write = this.#write('create', id, true, false);
    let copy = copyOf(created(session, stamp), id);
    let expect: Uint8Array | null = null;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const found = await this.#land(write, expect, copy);
      if (found === undefined) {
        this.#shared.memo.set(id, copy);
        return 'ok';
      }
      expect = found.present?.mark ?? null;
      if (found.present === null) continue;
      if (!holds(found.present.replica, stamp)) return this.#refused(write, null, 'exists');
      // A node that answered too late has done it, and somebody has gone on from there.
      copy = found.present;
    }
    throw trouble(this.#shared, 'create', `others were quicker ${MOST_TRIES} times`);
  }

  async #commit(id: string, delta: Delta): Promise<Outcome> {
    const { memo, environment } = this.#shared;
    const isVital = delta.head.secret !== undefined || delta.head.generation !== undefined;
    const write = this.#write('commit', id, isVital || delta.replaces !== undefined || hasSwap(delta), isVital);
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
      const isDone = isHeld || (write.loose.size > 0 && showsAfterLogin(tried, base.replica, delta));
      const stamp = this.#stampAfter(id, base.replica);
      const [outcome, next] = isDone
        ? done(base.replica)
        : isOtherLogin(base.replica, begun)
          ? ([GONE, null] as const)
          : applyTo(base.replica, delta, stamp, environment.now());
      if (next === null) {
        if (isFresh) {
          memo.set(id, base);
          if (mayHaveBeen(write, tried, base.replica, delta)) throw this.#lostSight(write);
          const isOver = isLater(base.replica, delta) || isOtherLogin(base.replica, begun);
          return this.#refused(write, isOver ? base : null, outcome);
        }
        memo.delete(id);
        base = null;
        continue;
      }
      // What only looks as if it had been done was made by somebody else.
      if (isHeld || !isDone) tried.push({ stamp, next });
      if (base.replica.kind === 'live') begun ??= base.replica.stamps.begun;
      const copy: Copy = isDone
        ? base
        : copyOf(next.head.expiresAt <= environment.now() ? ended(next, stamp, environment.now()) : next, id);
      const found = await this.#land(write, expect, copy);
      if (found === undefined) {
        memo.set(id, copy);
        return outcome;
      }
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
    const { loose } = write;
    if (loose.size === 0) return answer;
    if (end !== null) {
      const missed = [...loose].filter(({ isUp }) => !isUp);
      const brought = await this.#bring({ ...write, isVital: true }, [...loose], end.mark, end);
      if (missed.length + brought.missed.length === 0 && brought.outlived === undefined) return answer;
    }
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
    const write = this.#write('destroy', id, false, true);
    await this.#end(write, before?.mark ?? null, copy);
    memo.set(id, copy);
    if (before?.replica.kind === 'live' && before.replica.head.expiresAt > environment.now()) this.#hasEnded(id);
  }

  async #end(write: Write, expect: Uint8Array | null, copy: Copy): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const { up, down } = this.#split(write);
        const { reached, missed, cause } = await this.#bring(write, up, expect, copy);
        return await this.#settle(write, copy, reached, [...down, ...missed], cause);
      } catch (error) {
        if (tries === MOST_TRIES || !(await this.#isMoved(write, error))) throw error;
      }
    }
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

  #write(operation: RingWrite, id: string, isDecided: boolean, isVital: boolean): Write {
    return { operation, id, place: this.#shared.places.of(id), isDecided, isVital, loose: new Set(), isUnknown: false };
  }

  #stampAfter(id: string, replica: Replica): Stamp {
    const { clock, news } = this.#shared;
    const newest = newestOf(replica);
    if (!clock.witness(newest)) news.tell('skew', { id });
    return clock.after(newest);
  }

  /** Undefined: it is there, on enough nodes. Otherwise the decider has something else, or nothing, and no write was acknowledged. */
  async #land(write: Write, expect: Uint8Array | null, copy: Copy): Promise<Found | undefined> {
    try {
      const { up, down } = this.#split(write);
      return write.isDecided
        ? await this.#landDecided(write, up, down, expect, copy)
        : await this.#landTogether(write, up, down, expect, copy);
    } catch (error) {
      // Nobody knows yet who decides: all is asked anew by the next table.
      if (!(await this.#isMoved(write, error))) throw error;
      return { decider: write.place.owners[0]!, present: null };
    }
  }

  /** Whether it was refused by a fence. Then it goes on where the session is by now, as soon as that is known. */
  async #isMoved(write: Write, error: unknown): Promise<boolean> {
    const step = fencedFor(error);
    if (step === undefined) return false;
    this.#shared.figures.refused++;
    await this.#shared.awaitStep(step);
    write.place = this.#shared.places.of(write.id);
    return true;
  }

  async #landDecided(write: Write, up: readonly Node[], down: readonly Node[], expect: Uint8Array | null, copy: Copy) {
    const failed: Node[] = [];
    let cause: unknown;
    for (const decider of up) {
      try {
        const answer = await this.#decide(write, decider, expect, copy);
        if (answer.status === 'other') return { decider, present: presentIn(answer.cell, write.id) };
      } catch (error) {
        cause = this.#passedOver(write, decider, error);
        failed.push(decider);
        continue;
      }
      write.loose.add(decider);
      const others = up.filter((node) => node !== decider && (!failed.includes(node) || (write.isVital && node.isUp)));
      const rest = await this.#bring(write, others, expect, copy);
      if (rest.outlived !== undefined) return rest.outlived;
      const missed = [...down, ...failed.filter((node) => !others.includes(node)), ...rest.missed];
      await this.#settle(write, copy, [decider, ...rest.reached], missed, rest.cause ?? cause);
      return undefined;
    }
    throw this.#nobody(write, cause);
  }

  /** Insists on its decider until that one is down: of two that decide, one does it in vain. */
  async #decide(write: Write, decider: Node, expect: Uint8Array | null, copy: Copy) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#replaceAt(write, decider, expect, copy);
      } catch (error) {
        const isFinal = !isOutage(error) || fencedFor(error) !== undefined;
        if (isFinal || !decider.isUp || tries >= MUST_TRIES) throw error;
      }
    }
  }

  async #landTogether(write: Write, up: readonly Node[], down: readonly Node[], expect: Uint8Array | null, copy: Copy) {
    const answers = await Promise.allSettled(up.map((node) => this.#replaceAt(write, node, expect, copy)));
    const [reached, missed, others]: [Node[], Node[], Node[]] = [[], [...down], []];
    let cause: unknown;
    let found: Found | undefined;
    for (const [i, answer] of answers.entries()) {
      const node = up[i]!;
      try {
        if (answer.status === 'rejected') throw answer.reason;
        if (answer.value.status === 'ok') {
          reached.push(node);
          write.loose.add(node);
        }
        // The first one that answers decides.
        else if (reached.length === 0) found ??= { decider: node, present: presentIn(answer.value.cell, write.id) };
        else others.push(node);
      } catch (error) {
        cause = this.#passedOver(write, node, error);
        missed.push(node);
      }
    }
    if (found !== undefined) return found;
    const rest = await this.#bring(write, others, expect, copy);
    if (rest.outlived !== undefined) return rest.outlived;
    await this.#settle(write, copy, [...reached, ...rest.reached], [...missed, ...rest.missed], rest.cause ?? cause);
    return undefined;
  }

  /** Remembers where nobody knows what became of it. */
  async #replaceAt(write: Write, node: Node, expect: Uint8Array | null, copy: Copy) {
    const { place, id } = write;
    try {
      return await replaceAt(this.#shared, node, place, id, expect, copy, () => this.#mending.doubt(id));
    } catch (error) {
      if (fencedFor(error) === undefined) {
        write.loose.add(node);
        write.isUnknown = true;
      }
      throw error;
    }
  }

  /** A node that failed, or has something that cannot be read; whatever else happened is the caller's to know. */
  #passedOver({ id }: Write, node: Node, error: unknown): unknown {
    if (isCorrupt(error)) this.#shared.news.tell('corrupt', { id, node: node.name });
    else if (!isOutage(error) || fencedFor(error) !== undefined) throw error;
    return error;
  }

  /** To all of these, whatever they have. */
  async #bring(write: Write, nodes: readonly Node[], expect: Uint8Array | null, copy: Copy): Promise<Brought> {
    const [reached, missed]: [Node[], Node[]] = [[], []];
    let cause: unknown;
    let outlived: Found | undefined;
    await Promise.all(
      nodes.map(async (node) => {
        for (let tries = 1; ; tries++) {
          try {
            const present = await push(this.#shared, node, write.place, write.id, expect, copy);
            if (isOutlived(copy.replica, present.replica)) outlived ??= { decider: node, present };
            // It knows of something that the others do not: of a first try, say, that was refused at a fence elsewhere.
            if (!present.mark.equals(copy.mark)) this.#mending.doubt(write.id);
            reached.push(node);
            return;
          } catch (error) {
            cause = this.#passedOver(write, node, error);
            if (isOutage(error) && write.isVital && node.isUp && tries < MUST_TRIES) continue;
            missed.push(node);
            return;
          }
        }
      }),
    );
    return { reached, missed, cause, outlived };
  }

  /** Acknowledges, or throws: hints for those that were missed, unless that is not enough. */
  async #settle(write: Write, copy: Copy, reached: Node[], missed: Node[], cause: unknown): Promise<void> {
    if (missed.length === 0) return;
    const { news, figures, write: policy } = this.#shared;
    const { id, operation, place } = write;
    if (reached.length === 0) throw this.#nobody(write, cause);
    const names = missed.map(({ name }) => name);
    if (policy === 'strict') {
      throw trouble(this.#shared, operation, `${names.join(', ')} did not take it, and write is 'strict'`, cause);
    }
    const still = write.isVital ? missed.filter(({ isUp }) => isUp) : [];
    if (still.length > 0 && isOutage(cause)) {
      const problem = `${still.map(({ name }) => name).join(', ')} is up and did not take a change of who may come in`;
      throw trouble(this.#shared, operation, problem, cause);
    }
    await this.#hints.leave(place, id, copy, missed, reached);
    figures.degraded++;
    news.tell('degraded', { id, operation, missed: names });
  }

  /** The owners that can be asked, and those that cannot. Throws when that is not enough to begin with. */
  #split(write: Write): { readonly up: readonly Node[]; readonly down: readonly Node[] } {
    const { owners } = write.place;
    if (owners.every(({ isUp, isSure }) => isUp && isSure)) return { up: owners, down: NOBODY };
    const up = inOrder(owners);
    const down = owners.filter(({ isUp }) => !isUp);
    if (up.length === 0) throw this.#nobody(write, undefined);
    if (this.#shared.write === 'strict' && write.operation !== 'destroy') {
      const names = down.map(({ name }) => name).join(', ');
      throw trouble(this.#shared, write.operation, `${names} does not answer, and write is 'strict'`);
    }
    return { up, down };
  }

  #nobody({ operation, place }: Write, cause: unknown): unknown {
    const names = place.owners.map(({ name }) => name).join(', ');
    return trouble(this.#shared, operation, `of the nodes that own slot ${place.slot} (${names}) none took it`, cause);
  }
}

/** What a commit has asked nodes to take: with which stamp, and the session after it. */
interface Attempt {
  readonly stamp: Stamp;
  readonly next: Live;
}

/** What the decider has instead of what was expected. */
interface Found {
  readonly decider: Node;
  readonly present: Copy | null;
}

interface Brought {
  readonly reached: Node[];
  readonly missed: Node[];
  readonly cause: unknown;
  /** A node that has something of which this is no part any more. */
  readonly outlived: Found | undefined;
}

const NOBODY: readonly Node[] = Object.freeze([]);

function hasSwap(delta: Delta): boolean {
  for (const { op } of delta.fields.values()) if (op === 'swap') return true;
  return false;
}

/** Whether something that was tried before is in this copy. */
function holdsOneOf(tried: readonly Attempt[], replica: Replica): boolean {
  return replica.kind === 'live' && tried.some(({ stamp }) => holds(replica, stamp));
}

/**
 * A login leaves no stamp of what it was made of; but where a node may have taken a write, fields that are as they were written tell the
 * same.
 */
function showsAfterLogin(tried: readonly Attempt[], replica: Replica, delta: Delta): boolean {
  if (replica.kind === 'ended' || delta.fields.size === 0 || delta.head.secret !== undefined) return false;
  return tried.some(({ next }) => isOtherLogin(replica, next.stamps.begun)) && shows(replica, delta);
}

/**
 * Whether it was in there, and others have gone over it since: clients send again what had no answer, and then the first answer that comes
 * may be that of the second time. A touch leaves nothing to be told of. A lineage that is too short to tell counts where a node has
 * not said what it did, and after another login.
 */
function mayHaveBeen({ isUnknown }: Write, tried: readonly Attempt[], replica: Replica, delta: Delta): boolean {
  const isTouch = delta.fields.size === 0 && delta.head.secret === undefined;
  if (replica.kind === 'ended' || isTouch) return false;
  return tried.some(({ next }) => isMadeOf(replica, next) ?? (isUnknown || isOtherLogin(replica, next.stamps.begun)));
}

function shows(replica: Live, { fields }: Delta): boolean {
  const present = new ReplicaFields(replica);
  return [...fields].every(([name, write]) => {
    const value = write.op === 'delete' ? null : write.value;
    const there = present.get(name);
    return value === null ? there === undefined : there !== undefined && Buffer.compare(value, there) === 0;
  });
}

/** A commit that was read after a later login than this one knows. */
function isOlder(replica: Replica, { generation }: Delta): boolean {
  return replica.kind === 'live' && replica.head.generation < generation;
}

/** Two logins in two halves of the ring made the same generation: what was begun after one is nothing for the other. */
function isOtherLogin(replica: Replica, begun: Stamp | undefined): boolean {
  return replica.kind === 'live' && begun !== undefined && compareStamps(replica.stamps.begun, begun) !== 0;
}

/** What came after all that this delta may have written. */
function isLater(replica: Replica, { generation }: Delta): boolean {
  return replica.kind === 'ended' || replica.head.generation > generation;
}

/**
 * Of a write that was brought to a node, nothing is left there: another login is, that did not know of it, or cannot be told to. Where
 * the session has ended, it ended after the write.
 */
function isOutlived(written: Replica, present: Replica): boolean {
  if (written.kind === 'ended' || present.kind === 'ended' || written === present) return false;
  return isOtherLogin(present, written.stamps.begun) && isMadeOf(present, written) !== true;
}

function done(replica: Replica): readonly [Outcome, Live | null] {
  return replica.kind === 'live' ? [{ status: 'ok', version: replica.head.version }, replica] : [GONE, null];
}
