/**
 * Changing a session on all nodes that own it.
 *
 * A commit is applied here, to what was last seen of the session, and written as compare-and-set: where something else was there, it is
 * applied to that, and so on. The first owner that answers decides. Where nothing has to be decided, all owners are asked together;
 * a swap, a rotation and a login go to the decider first, and the others take what came of it. A destroy leaves a tombstone.
 *
 * A write without an answer may still happen, or have happened. So what is tried again is not done twice: its stamp tells.
 */
import type { Delta, Outcome, Stored } from '../../contract.js';
import { Turns } from '../../core/turns.js';
import { applyTo } from './apply.js';
import { type Copy, copyOf, isCorrupt } from './copy.js';
import type { Hints } from './hints.js';
import type { RingWrite } from './news.js';
import { isOutage, type Node } from './node.js';
import type { Place } from './place.js';
import { presentIn, push, replaceAt } from './push.js';
import type { Reads } from './read.js';
import { created, ended, holds, newestOf, type Replica } from './replica.js';
import { joinedAloud, type Shared, trouble } from './shared.js';
import type { Stamp } from './stamp.js';

const GONE: Outcome = Object.freeze({ status: 'gone' });

/** Other processes may write the same session; after so many times in a row something is wrong. */
const MOST_TRIES = 32;
/** A node that is up, and did not take what it must take, is asked again until it is down: three failures are enough for that. */
const MUST_TRIES = 3;

interface Write {
  readonly operation: RingWrite;
  readonly id: string;
  readonly place: Place;
  /** One node says yes before others hear of it. */
  readonly isDecided: boolean;
  /** No node that is up may be left without it: it would go on accepting an old secret. */
  readonly isVital: boolean;
}

export class Writes {
  readonly #shared: Shared;
  readonly #reads: Reads;
  readonly #hints: Hints;
  readonly #hasEnded: (id: string) => void;
  readonly #turns = new Turns();

  /** `hasEnded`: told of each live session that this process has ended. */
  constructor(shared: Shared, reads: Reads, hints: Hints, hasEnded: (id: string) => void) {
    this.#hasEnded = hasEnded;
    this.#shared = shared;
    this.#reads = reads;
    this.#hints = hints;
  }

  create(id: string, session: Stored): Promise<'ok' | 'exists'> {
    const copy = copyOf(created(session, this.#shared.clock.stamp()));
    return this.#turns.take(id, async () => {
      const write = this.#write('create', id, true, false);
      if ((await this.#land(write, null, copy)) !== undefined) return 'exists';
      this.#shared.memo.set(id, copy);
      return 'ok';
    });
  }

  commit(id: string, delta: Delta): Promise<Outcome> {
    return this.#turns.take(id, () => this.#commit(id, delta));
  }

  destroy(id: string): Promise<void> {
    return this.#turns.take(id, () => this.#destroy(id));
  }

  async #commit(id: string, delta: Delta): Promise<Outcome> {
    const { memo, environment } = this.#shared;
    const isVital = delta.head.secret !== undefined || delta.head.generation !== undefined;
    const write = this.#write('commit', id, isVital || delta.replaces !== undefined || hasSwap(delta), isVital);
    const tried: Stamp[] = [];
    let base = memo.get(id);
    /** What the decider is expected to have. */
    let expect = base?.mark ?? null;
    let isFresh = false;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      if (base === null) {
        base = await this.#reads.find(id);
        isFresh = true;
        if (base === null) return GONE;
        expect = base.mark;
      }
      const { replica } = base;
      const isDone = replica.kind === 'live' && tried.some((stamp) => holds(replica, stamp));
      const stamp = this.#stampAfter(id, replica);
      const [outcome, next] = isDone
        ? ([{ status: 'ok', version: replica.head.version }, replica] as const)
        : applyTo(replica, delta, stamp, environment.now());
      if (next === null) {
        if (isFresh && tried.length > 0 && !write.isDecided) await this.#takeBack(write, base);
        if (isFresh) {
          memo.set(id, base);
          return outcome;
        }
        memo.delete(id);
        base = null;
        continue;
      }
      tried.push(stamp);
      const isOver = next.head.expiresAt <= environment.now();
      const copy = isDone ? base : copyOf(isOver ? ended(next, stamp, environment.now()) : next);
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
        base = decider.isSureAmong(write.place.owners) ? present : joinedAloud(this.#shared, id, present, base);
        memo.set(id, base);
        continue;
      }
      memo.delete(id);
      // It has ended by time, or the node has lost it. All are asked.
      base = await this.#reads.find(id);
      if (base === null) return GONE;
    }
    throw trouble(this.#shared, 'commit', `others were quicker ${MOST_TRIES} times`);
  }

  /** Others may have taken what the first one refused: they get what it has instead. */
  async #takeBack(write: Write, base: Copy): Promise<void> {
    const up = write.place.owners.filter(({ isUp }) => isUp);
    await this.#bring(write, up, base.mark, base);
  }

  async #destroy(id: string): Promise<void> {
    const { memo, environment, clock } = this.#shared;
    const base = memo.get(id) ?? (await this.#findAtAll(id));
    if (base === null) return;
    memo.delete(id);
    const stamp = base === 'unknown' ? clock.stamp() : this.#stampAfter(id, base.replica);
    const before = base === 'unknown' ? null : base;
    const copy = copyOf(ended(before?.replica ?? null, stamp, environment.now()));
    const write = this.#write('destroy', id, false, true);
    const { up, down } = this.#split(write);
    const { reached, missed, cause } = await this.#bring(write, up, before?.mark ?? null, copy);
    await this.#settle(write, copy, reached, [...down, ...missed], cause);
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

  #write(operation: RingWrite, id: string, isDecided: boolean, isVital: boolean): Write {
    return { operation, id, place: this.#shared.places.of(id), isDecided, isVital };
  }

  #stampAfter(id: string, replica: Replica): Stamp {
    const { clock, news } = this.#shared;
    const newest = newestOf(replica);
    if (!clock.witness(newest)) news.tell('skew', { id });
    return clock.after(newest);
  }

  /** Undefined: it is there, on enough nodes. Otherwise the decider has something else, or nothing, and no write was acknowledged. */
  async #land(write: Write, expect: Uint8Array | null, copy: Copy): Promise<Found | undefined> {
    const { up, down } = this.#split(write);
    return write.isDecided
      ? this.#landDecided(write, up, down, expect, copy)
      : this.#landTogether(write, up, down, expect, copy);
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
      const others = up.filter((node) => node !== decider && (!failed.includes(node) || (write.isVital && node.isUp)));
      const rest = await this.#bring(write, others, expect, copy);
      const missed = [...down, ...failed.filter((node) => !others.includes(node)), ...rest.missed];
      await this.#settle(write, copy, [decider, ...rest.reached], missed, rest.cause ?? cause);
      return undefined;
    }
    throw this.#nobody(write, cause);
  }

  /** A vital write insists on its decider until that one is down: what another one has may be undecided. */
  async #decide(write: Write, decider: Node, expect: Uint8Array | null, copy: Copy) {
    for (let tries = 1; ; tries++) {
      try {
        return await replaceAt(this.#shared, decider, write.place, write.id, expect, copy);
      } catch (error) {
        if (!write.isVital || !isOutage(error) || !decider.isUp || tries >= MUST_TRIES) throw error;
      }
    }
  }

  async #landTogether(write: Write, up: readonly Node[], down: readonly Node[], expect: Uint8Array | null, copy: Copy) {
    const { place, id } = write;
    const answers = await Promise.allSettled(up.map((node) => replaceAt(this.#shared, node, place, id, expect, copy)));
    const [reached, missed, others]: [Node[], Node[], Node[]] = [[], [...down], []];
    let cause: unknown;
    for (const [i, answer] of answers.entries()) {
      const node = up[i]!;
      try {
        if (answer.status === 'rejected') throw answer.reason;
        if (answer.value.status === 'ok') reached.push(node);
        // The first one that answers decides.
        else if (reached.length === 0) return { decider: node, present: presentIn(answer.value.cell, id) };
        else others.push(node);
      } catch (error) {
        cause = this.#passedOver(write, node, error);
        missed.push(node);
      }
    }
    const rest = await this.#bring(write, others, expect, copy);
    await this.#settle(write, copy, [...reached, ...rest.reached], [...missed, ...rest.missed], rest.cause ?? cause);
    return undefined;
  }

  /** A node that failed, or has something that cannot be read; whatever else happened is the caller's to know. */
  #passedOver({ id }: Write, node: Node, error: unknown): unknown {
    if (isCorrupt(error)) this.#shared.news.tell('corrupt', { id, node: node.name });
    else if (!isOutage(error)) throw error;
    return error;
  }

  /** To all of these, whatever they have. */
  async #bring(write: Write, nodes: readonly Node[], expect: Uint8Array | null, copy: Copy): Promise<Brought> {
    const [reached, missed]: [Node[], Node[]] = [[], []];
    let cause: unknown;
    await Promise.all(
      nodes.map(async (node) => {
        for (let tries = 1; ; tries++) {
          try {
            await push(this.#shared, node, write.place, write.id, expect, copy);
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
    return { reached, missed, cause };
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
    if (owners.every(({ isUp }) => isUp)) return { up: owners, down: NOBODY };
    const up = owners.filter(({ isUp }) => isUp);
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

/** What the decider has instead of what was expected. */
interface Found {
  readonly decider: Node;
  readonly present: Copy | null;
}

interface Brought {
  readonly reached: Node[];
  readonly missed: Node[];
  readonly cause: unknown;
}

const NOBODY: readonly Node[] = Object.freeze([]);

function hasSwap(delta: Delta): boolean {
  for (const { op } of delta.fields.values()) if (op === 'swap') return true;
  return false;
}
