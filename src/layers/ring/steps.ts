/**
 * The steps from one table of a ring to the next, and who takes them.
 *
 *   announce   The next table is agreed on, and lies on every node that answers. Nothing else is different. Now everybody hears of it,
 *              for nobody reads anything from a node that he has not looked at for a lease (tables.ts).
 *   fence      A lease later, every old owner of a slot that moves closes it for older steps. From then on nothing there changes.
 *   publish    Only when each of them that lives has said yes, the next table is in force. What was read meanwhile from a closed node
 *              is read again by the new table; what was refused is written by it.
 *   move       Sessions are carried over (mover.ts), those that somebody asks for at once (moving-read.ts).
 *   settle     When nothing is left: fence and publish once more, and the old places are forgotten.
 *
 * The document alone says how far it is (document.ts), and each step can be done again. So whoever has the ring open can go on with it,
 * and one of them does: it holds a lease (lease.ts), and another one takes over when it is silent for some seconds.
 *
 * Rejected: writing to old and new owners for a while (which of them decides a swap?), and a coordinator who remembers (it dies).
 */
import { nextTable } from '../../ring/next-table.js';
import { SLOTS } from '../../ring/nodes.js';
import type { RingTable } from '../../ring/table.js';
import type { RingDocument } from './document.js';
import { Lease, leaseTexts } from './lease.js';
import type { Mover } from './mover.js';
import { isOutage, type Node } from './node.js';
import type { Servers } from './servers.js';
import { rest, type Shared, trouble } from './shared.js';
import type { MoveProgress } from './status.js';
import type { Synced } from './synced.js';
import { LEASE_MS, type Tables } from './tables.js';

const BEAT_MS = 1000;
/** A lease, and some time for what was under way when it ended. */
export const ANNOUNCED_MS: number = LEASE_MS + 500;
const LOOK_AGAIN_MS = 50;
/** An old owner that is up, and does not close its slots, is asked again until it is down or does. */
const MOST_FENCE_TRIES = 100;

export interface StepsSettings {
  readonly shared: Shared;
  readonly tables: Tables;
  readonly synced: Synced;
  readonly mover: Mover;
  readonly servers: Servers;
}

export class Steps {
  readonly #settings: StepsSettings;
  readonly #lease: Lease;
  #driving: Promise<void> | undefined;
  #trouble: unknown;
  #isClosed = false;
  #stopBeat: (() => void) | undefined;

  constructor(settings: StepsSettings) {
    this.#settings = settings;
    this.#lease = new Lease(settings.shared);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** This process is at it. */
  get isDriving(): boolean {
    return this.#driving !== undefined;
  }

  /** Why the last attempt of this process came to nothing. */
  get trouble(): unknown {
    return this.#trouble;
  }

  begin(): void {
    if (this.#isClosed || this.#stopBeat !== undefined) return;
    this.#stopBeat = this.#settings.shared.environment.every(BEAT_MS, () => this.#beat());
  }

  /** How far the sessions have come that are carried over, by whoever does it. */
  async progress(): Promise<MoveProgress | undefined> {
    if (this.#lease.isHeld) return progressIn(this.#leaseText());
    const texts = await leaseTexts(this.#settings.shared.nodes.filter(({ isUp }) => isUp));
    return texts.map(progressIn).find((progress) => progress !== undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopBeat?.();
    this.#settings.mover.stop();
    await this.#driving;
  }

  /** Somebody waits for a table that should be there: whoever was to publish it may have died. */
  hurry(): void {
    if (this.#hasWork()) this.drive(true);
  }

  #beat(): void {
    void this.#settings.servers.say();
    if (this.#lease.isHeld) void this.#lease.renew(this.#leaseText()).catch(() => {});
    if (this.#hasWork()) this.drive(false);
  }

  #hasWork(): boolean {
    const { shared, tables } = this.#settings;
    const { next, leaving, isPaused, unfenced } = tables.document;
    const isBack = shared.nodes.some((node) => node.isUp && unfenced.includes(node.name));
    return isBack || (!isPaused && (next !== null || leaving !== null));
  }

  /** Goes on with whatever there is to do, unless that is being done. Never throws. `isForced`: takes it from whoever does it. */
  drive(isForced: boolean): void {
    if (this.#isClosed || this.#driving !== undefined) return;
    this.#driving = this.#driveOn(isForced)
      .then(
        () => {
          this.#trouble = undefined;
        },
        (error) => {
          // Tried again at the next beat, by whoever gets the lease.
          this.#trouble = error;
        },
      )
      .finally(() => {
        this.#driving = undefined;
      });
  }

  async #driveOn(isForced: boolean): Promise<void> {
    if (!(await this.#lease.take(this.#leaseText(), isForced))) return;
    try {
      while (!this.#isClosed && this.#lease.isHeld && this.#hasWork()) await this.#stepOn();
    } finally {
      await this.#lease.release().catch(() => {});
    }
  }

  async #stepOn(): Promise<void> {
    const { shared, tables, mover } = this.#settings;
    const { document } = tables;
    const late = shared.nodes.filter((node) => node.isUp && document.unfenced.includes(node.name));
    if (late.length > 0) return this.#fenceLate(late[0]!, document);
    if (document.next !== null) return this.#publish(document);
    if ((await mover.run()) === 'done') await this.#settle(document);
  }

  async #publish(document: RingDocument): Promise<void> {
    const { shared, tables } = this.#settings;
    if (!(await this.#hasBeenClosed(document.step + 1))) await this.#wait(ANNOUNCED_MS);
    if (this.#isClosed || tables.document.step !== document.step) return;
    const step = document.step + 1;
    const unfenced = await this.#close(
      document,
      step,
      shared.places.slots(({ isAnnounced }) => isAnnounced),
    );
    await this.agree((present) =>
      present.step === document.step && present.next !== null
        ? { ...present, step, table: present.next, leaving: present.table, next: null, unfenced }
        : null,
    );
  }

  /** So long, unless this is closed. */
  async #wait(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0 && !this.#isClosed; leftMs -= LOOK_AGAIN_MS) {
      await rest(this.#settings.shared.environment, LOOK_AGAIN_MS);
    }
  }

  /** Somebody has waited for long enough, and closed slots for this step. */
  async #hasBeenClosed(step: number): Promise<boolean> {
    const { shared, tables } = this.#settings;
    const up = shared.nodes.filter(({ isUp }) => isUp);
    const seen = await Promise.allSettled(up.map((node) => tables.register.read(node)));
    return seen.some((one) => one.status === 'fulfilled' && one.value.closed === step);
  }

  async #settle(document: RingDocument): Promise<void> {
    const { shared, tables } = this.#settings;
    const { view } = shared.places;
    const { leaving, table } = view;
    if (leaving === null || tables.document.step !== document.step) return;
    const step = document.step + 1;
    const closed = await this.#close(
      document,
      step,
      shared.places.slots(({ isMoving }) => isMoving),
    );
    const back = document.isBack ? nextTable(table, specsOf(leaving), { copies: leaving.copies }).table : null;
    const nodes = namesOf(table, back ?? table);
    // Who leaves and is away comes back with what it had: it is looked through before it is used again.
    const away = shared.nodes.filter(({ isUp }) => !isUp).map(({ name }) => name);
    const unfenced = nodes.filter((name) => closed.includes(name) || away.includes(name));
    const next = back === null ? null : await tables.publish(back);
    const isMade = await this.agree((present) =>
      present.step === document.step && present.leaving !== null
        ? { ...present, step, leaving: null, next, nodes, unfenced, dead: [], isPaused: false, isBack: false }
        : null,
    );
    if (isMade && back === null) await tables.forget(document.leaving!);
  }

  /** A node that was away when its slots were closed. Whatever it was told in the meantime is carried to where it belongs. */
  async #fenceLate(node: Node, document: RingDocument): Promise<void> {
    const { tables, synced, mover } = this.#settings;
    const all = Array.from({ length: SLOTS }, (_, slot) => slot);
    await tables.fence(node, all, document.step);
    await tables.register.close(node, document.step);
    await tables.bring(node);
    await synced.unmark(node);
    if (document.leaving === null) await mover.clear(node);
    await this.agree((present) =>
      present.step === document.step
        ? { ...present, step: document.step + 1, unfenced: present.unfenced.filter((name) => name !== node.name) }
        : null,
    );
  }

  /**
   * Closes slots on all owners that live. Returns the names of those that did not. Rejects unless each slot has one that did: of the
   * others nobody knows what they take.
   */
  async #close(document: RingDocument, step: number, slots: readonly number[]): Promise<string[]> {
    const { shared, tables } = this.#settings;
    const bySlot = slots.map((slot) => shared.places.ofSlot(slot).owners);
    const closed = new Set<Node>();
    const tasks = shared.nodes.map(async (node) => {
      const own = slots.filter((_, i) => bySlot[i]!.includes(node));
      if (own.length > 0 && (await this.#closeOn(node, own, step))) closed.add(node);
    });
    await Promise.all(tasks);
    const isGiven = (node: Node): boolean => closed.has(node) || document.dead.includes(node.name);
    const open = bySlot.filter((owners) => !owners.some(isGiven)).length;
    if (open > 0) throw trouble(shared, 'close slots', `of ${open} slots that move no owner answers`);
    if (tables.document.step !== document.step)
      throw trouble(shared, 'close slots', 'another table is in force by now');
    const names = new Set(bySlot.flat().filter((node) => !closed.has(node)));
    return [...names]
      .map(({ name }) => name)
      .filter((name) => !document.dead.includes(name))
      .sort();
  }

  async #closeOn(node: Node, slots: readonly number[], step: number): Promise<boolean> {
    const { shared, tables } = this.#settings;
    for (let tries = 0; node.isUp && tries < MOST_FENCE_TRIES && !this.#isClosed; tries++) {
      try {
        await tables.register.close(node, step);
        await tables.fence(node, slots, step);
        return true;
      } catch (error) {
        if (!isOutage(error)) throw error;
        await rest(shared.environment, LOOK_AGAIN_MS);
      }
    }
    if (node.isUp) throw trouble(shared, 'close slots', `${node.name} is up, and does not close them`);
    return false;
  }

  /** Agrees on what follows, and follows it. Tells whether this change was made. */
  async agree(change: (present: RingDocument) => RingDocument | null): Promise<boolean> {
    const { register } = this.#settings.tables;
    const { document, isChanged } = await register.propose((present) => present && change(present));
    await this.#settings.tables.follow(document);
    return isChanged;
  }

  #leaseText(): string {
    return JSON.stringify({ by: this.#settings.servers.id, ...this.#settings.mover.progress });
  }
}

export function namesOf(...tables: readonly RingTable[]): string[] {
  return [...new Set(tables.flatMap(({ nodes }) => nodes.map(({ name }) => name)))].sort();
}

function specsOf({ nodes }: RingTable) {
  return nodes.map(({ name, weight, zone }) => (zone === null ? { name, weight } : { name, weight, zone }));
}

function progressIn(text: string): MoveProgress | undefined {
  try {
    const progress = JSON.parse(text) as MoveProgress;
    return typeof progress.by === 'string' && typeof progress.sessions === 'number' ? progress : undefined;
  } catch {
    return undefined;
  }
}
