/**
 * Hints: on other nodes, what one has missed, for when it is back.
 *
 * An owner that took a write keeps the name of the session only: it has the session itself. A stand-in, which does not own it, keeps the
 * copy (stand-in.ts). Passing a hint on means bringing the copy to the node that missed it. A hint gets another mark when it is written
 * anew, and is removed only with the mark it had before the session was read, so that what is written meanwhile is not forgotten.
 *
 * Hints are kept on nodes, not in this process: who acknowledged a write may die. First the hint, then the word that there are some, each
 * time a new one, and only then the write is acknowledged: so who passes them on, and takes that very word away, has met all that came
 * before it. Names are bounded; beyond that the node has missed so much that it is filled from all others (repair.ts). Copies are not:
 * there is one at most for each session.
 */
import type { Cell } from '../../contract.js';
import { BEHIND_USER, behindId, controlCell, FOR_EVER, hintPrefix, hintUser, type Missed, textIn } from './control.js';
import { type Copy, cellOf, isCorrupt } from './copy.js';
import { isOutage, type Node } from './node.js';
import type { Place } from './place.js';
import { presentIn, push, pushed } from './push.js';
import { REPAIR_HORIZON_MS } from './replica.js';
import { inParallel, type Shared, trouble } from './shared.js';
import { copyInHint, standInsOf } from './stand-in.js';
import type { Synced } from './synced.js';

/** Passed on at the same time. */
const AT_A_TIME = 32;

export class Hints {
  readonly #shared: Shared;
  readonly #synced: Synced;
  readonly #most: number;
  /** Words that are on their way, and those that wait to go next: by both names and the word. */
  readonly #words = new Map<string, { readonly now: Promise<void>; next: Promise<void> | undefined }>();

  /** `most`: how many names for one node this process writes. */
  constructor(shared: Shared, synced: Synced, most: number) {
    this.#shared = shared;
    this.#synced = synced;
    this.#most = most;
  }

  /**
   * Leaves hints for those that were missed: on one of those that were reached, and the copy itself on stand-ins. Rejects when none of
   * those that were reached can keep them.
   */
  async leave(place: Place, id: string, copy: Copy, missed: readonly Node[], reached: readonly Node[]): Promise<void> {
    const standIns = this.#letStandIn(place, id, copy, missed);
    await this.#name(place, id, copy, missed, reached);
    await standIns;
  }

  /** Brings to `node` all that `keeper` has for it. 'all': there are too many for hints. 'more': some came in meanwhile. */
  async replay(node: Node, keeper: Node): Promise<Missed | 'more'> {
    const said = await keeper.ask('see who is behind', () => keeper.cells.read(behindId(node.name)));
    if (said !== null && textIn(said) === 'all') return 'all';
    const passed = await this.#passAll(node.name, keeper);
    node.hintsPending = Math.max(0, node.hintsPending - passed);
    return (await this.#isDone(node.name, keeper, said)) ? 'hints' : 'more';
  }

  /** After `node` was filled: what `keeper` kept for it is done, as far as it was there `before`. Tells whether that was all. */
  async forget(node: Node, keeper: Node, before: Cell | null): Promise<boolean> {
    await this.#passAll(node.name, keeper);
    node.hintsPending = 0;
    return this.#isDone(node.name, keeper, before);
  }

  /** What `keeper` keeps for a node that has left the ring goes to whoever owns it now. */
  async bequeath(name: string, keeper: Node): Promise<void> {
    const said = await keeper.ask('see who is behind', () => keeper.cells.read(behindId(name)));
    await this.#passAll(name, keeper);
    await this.#isDone(name, keeper, said);
  }

  /** Takes away the word that there are hints, if it is still that one. */
  async #isDone(name: string, keeper: Node, said: Cell | null): Promise<boolean> {
    const id = behindId(name);
    if (said !== null) return keeper.ask('forget hints', () => keeper.cells.remove(id, said.mark));
    return (await keeper.ask('see who is behind', () => keeper.cells.read(id))) === null;
  }

  async #name(place: Place, id: string, copy: Copy, missed: readonly Node[], reached: readonly Node[]): Promise<void> {
    let cause: unknown;
    for (const keeper of reached) {
      try {
        await Promise.all(missed.map((node) => this.#leaveName(keeper, node, id, copy)));
        return;
      } catch (error) {
        if (!isOutage(error)) throw error;
        cause = error;
      }
    }
    throw trouble(this.#shared, 'write', `no node can keep a hint for slot ${place.slot}`, cause);
  }

  async #leaveName(keeper: Node, node: Node, id: string, copy: Copy): Promise<void> {
    this.#fallBehind(node, keeper);
    if (node.hintsPending >= this.#most) return this.#say(keeper, node, 'all');
    const { random, now } = this.#shared.environment;
    const hintId = hintPrefix(node.name) + id;
    const keepUntil = Math.max(cellOf(copy).keepUntil, now() + REPAIR_HORIZON_MS);
    const hint = controlCell(random, '', keepUntil, hintUser(node.name));
    let expect: Uint8Array | null = null;
    for (;;) {
      const answer = await keeper.ask('keep a hint', () => keeper.cells.replace(hintId, expect, hint));
      if (answer.status === 'ok') break;
      expect = answer.status === 'other' ? (answer.cell?.mark ?? null) : null;
    }
    if (expect === null) node.hintsPending++;
    await this.#say(keeper, node, 'hints');
  }

  /** Each of those that were missed gets one. Where nobody can stand in, there are fewer copies for a while. */
  async #letStandIn(place: Place, id: string, copy: Copy, missed: readonly Node[]): Promise<void> {
    const standIns = standInsOf(this.#shared, place);
    await Promise.all(
      missed.map(async (node, i) => {
        for (const keeper of [...standIns.slice(i), ...standIns.slice(0, i)]) {
          try {
            await this.#leaveCopy(keeper, node, id, copy);
            return;
          } catch {
            // Its trouble, and counted there.
          }
        }
      }),
    );
  }

  async #leaveCopy(keeper: Node, node: Node, id: string, copy: Copy): Promise<void> {
    this.#fallBehind(node, keeper);
    const user = hintUser(node.name);
    const hintId = hintPrefix(node.name) + id;
    await pushed(this.#shared, id, null, copy, (expect, next) =>
      keeper.ask('stand in', () => keeper.cells.replace(hintId, expect, { ...cellOf(next), user })),
    );
    await this.#say(keeper, node, 'hints');
  }

  #fallBehind(node: Node, keeper: Node): void {
    node.falls++;
    this.#synced.fallBehind(node, keeper);
  }

  /**
   * Says on `keeper` that `node` is behind, by a word that is written after this was called. Of many that call at a time the first
   * has its own; all others share the next.
   */
  #say(keeper: Node, node: Node, what: Missed): Promise<void> {
    const key = `${keeper.name} ${node.name} ${what}`;
    const words = this.#words.get(key);
    if (words?.next !== undefined) return words.next;
    const write = (): Promise<void> => {
      const now = this.#writeWord(keeper, node, what);
      const own = { now, next: undefined };
      this.#words.set(key, own);
      const leave = (): void => {
        if (this.#words.get(key) === own && own.next === undefined) this.#words.delete(key);
      };
      now.then(leave, leave);
      return now;
    };
    if (words === undefined) return write();
    words.next = words.now.then(write, write);
    return words.next;
  }

  /** 'all' is never taken back here. */
  async #writeWord(keeper: Node, node: Node, what: Missed): Promise<void> {
    const { random } = this.#shared.environment;
    const id = behindId(node.name);
    let expect: Uint8Array | null = null;
    let text: string = what;
    for (;;) {
      const next = controlCell(random, text, FOR_EVER, BEHIND_USER);
      const answer = await keeper.ask('say who is behind', () => keeper.cells.replace(id, expect, next));
      if (answer.status === 'ok') return;
      const cell = answer.status === 'other' ? answer.cell : null;
      expect = cell?.mark ?? null;
      if (cell !== null && textIn(cell) === 'all') text = 'all';
    }
  }

  /** Returns how many there were. */
  async #passAll(name: string, keeper: Node): Promise<number> {
    const prefix = hintPrefix(name);
    let passed = 0;
    const all = keeper.walk('list hints', () => keeper.cells.byUser(hintUser(name)));
    await inParallel(all, AT_A_TIME, async (hintId) => {
      if (!hintId.startsWith(prefix)) return;
      const id = hintId.slice(prefix.length);
      try {
        if (await this.#pass(name, keeper, hintId, id)) passed++;
      } catch (error) {
        // Nothing can be done about it here, and the others have to go on.
        if (!isCorrupt(error)) throw error;
        this.#shared.news.tell('corrupt', { id, node: name });
      }
    });
    return passed;
  }

  async #pass(name: string, keeper: Node, hintId: string, id: string): Promise<boolean> {
    const hint = await keeper.ask('read a hint', () => keeper.cells.read(hintId));
    if (hint === null) return false;
    const place = this.#shared.places.of(id);
    const isName = hint.bytes.length === 0;
    const copy = isName
      ? presentIn(await keeper.ask('read a hint', () => keeper.cells.read(id)), id)
      : copyInHint(this.#shared, keeper, hint, id);
    if (copy !== null) {
      // The owner that took it may have lost it since: a stand-in tells all. So it does where the slot has other owners by now.
      const missed = place.owners.filter((owner) => owner.name === name);
      const others =
        isName && missed.length > 0 ? [] : place.owners.filter((owner) => owner.name !== name && owner.isUp);
      const targets = [...missed, ...others].filter((owner) => owner !== keeper);
      await Promise.all(targets.map((owner) => push(this.#shared, owner, place, id, null, copy)));
      this.#shared.figures.replayed++;
    }
    await keeper.ask('drop a hint', () => keeper.cells.remove(hintId, hint.mark));
    return true;
  }
}
