/**
 * Getting one write onto the nodes that own a session: which of them are asked, in which order, and when that is enough.
 *
 * Where something has to be decided (a swap, a rotation, a login), the first sure owner says yes before others hear of it; anything
 * else goes to all at once. A node that does not answer gets a hint, and the write is good with one node; unless it is vital, or `write`
 * is 'strict'. What cannot be known is kept with the write: nodes that may have taken it are `loose`.
 * What to write, and what to answer, is write.ts.
 */
import { isOutlived } from './attempts.js';
import { type Copy, isCorrupt } from './copy.js';
import type { Hints } from './hints.js';
import type { Mending } from './mend.js';
import type { RingWrite } from './news.js';
import { isOutage, type Node } from './node.js';
import type { Place } from './place.js';
import { fencedFor, presentIn, push, replaceAt } from './push.js';
import { inOrder } from './read.js';
import { type Shared, trouble } from './shared.js';

/** Tables may follow each other; after so many in a row something is wrong. */
const MOST_MOVES = 32;
/** A node that is up, and did not take what it must take, is asked again until it is down: three failures are enough for that. */
const MUST_TRIES = 3;

export interface Write {
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
  /** One of these may have taken what was tried last. */
  isTaken: boolean;
}

/** What the decider has instead of what was expected. */
export interface Found {
  readonly decider: Node;
  readonly present: Copy | null;
}

export interface LandingSettings {
  readonly shared: Shared;
  readonly hints: Hints;
  readonly mending: Mending;
}

export class Landing {
  readonly #shared: Shared;
  readonly #hints: Hints;
  readonly #mending: Mending;

  constructor({ shared, hints, mending }: LandingSettings) {
    this.#shared = shared;
    this.#hints = hints;
    this.#mending = mending;
  }

  begin(operation: RingWrite, id: string, isDecided: boolean, isVital: boolean): Write {
    return { operation, id, place: this.#shared.places.of(id), isDecided, isVital, loose: new Set(), isTaken: false };
  }

  /** Undefined: it is there, on enough nodes. Otherwise the decider has something else, or nothing, and no write was acknowledged. */
  async land(write: Write, expect: Uint8Array | null, copy: Copy): Promise<Found | undefined> {
    write.isTaken = false;
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

  /** To all owners, whatever they have. */
  async bringToAll(write: Write, expect: Uint8Array | null, copy: Copy): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const { up, down } = this.#split(write);
        const { reached, missed, cause } = await this.#bring(write, up, expect, copy);
        return await this.#settle(write, copy, reached, [...down, ...missed], cause);
      } catch (error) {
        if (tries === MOST_MOVES || !(await this.#isMoved(write, error))) throw error;
      }
    }
  }

  /** Whether nothing is left of it, once the nodes that may have taken some of it have `end` instead. */
  async takeBack(write: Write, end: Copy): Promise<boolean> {
    const { loose } = write;
    const missed = [...loose].filter(({ isUp }) => !isUp);
    const brought = await this.#bring({ ...write, isVital: true }, [...loose], end.mark, end);
    return missed.length + brought.missed.length === 0 && brought.outlived === undefined;
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
      mayHave(write, decider);
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
          mayHave(write, node);
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
      if (fencedFor(error) === undefined) mayHave(write, node);
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

interface Brought {
  readonly reached: Node[];
  readonly missed: Node[];
  readonly cause: unknown;
  /** A node that has something of which this is no part any more. */
  readonly outlived: Found | undefined;
}

const NOBODY: readonly Node[] = Object.freeze([]);

/** From now on this node may have something of it. */
function mayHave(write: Write, node: Node): void {
  write.loose.add(node);
  write.isTaken = true;
}
