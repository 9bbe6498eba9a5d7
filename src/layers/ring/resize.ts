/**
 * Resizing a ring while it is used: what operators ask for, and the steps that lead there.
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
import { hash } from 'node:crypto';
import { checked } from '../../core/options.js';
import { nextTable } from '../../ring/next-table.js';
import { SLOTS } from '../../ring/nodes.js';
import { type RingTable, readTable } from '../../ring/table.js';
import { changedRows, changedTable, type ResizePlan, type RingChange, tablesCompared } from './change.js';
import { countMoves } from './counting.js';
import type { RingDocument } from './document.js';
import { Lease, leaseTexts } from './lease.js';
import type { Mover } from './mover.js';
import { isOutage, type Node } from './node.js';
import { wrong } from './options.js';
import type { Servers } from './servers.js';
import { rest, type Shared, trouble } from './shared.js';
import type { MoveProgress, ResizeOptions, ResizePhase, ResizeStatus } from './status.js';
import type { Synced } from './synced.js';
import { LEASE_MS, type Tables } from './tables.js';

const BEAT_MS = 1000;
/** A lease, and some time for what was under way when it ended. */
const ANNOUNCED_MS = LEASE_MS + 500;
const LOOK_AGAIN_MS = 50;
/** How long `resize` waits for what others do, too. */
const PUBLISHED_WITHIN_MS = 60_000;
/** An old owner that is up, and does not close its slots, is asked again until it is down or does. */
const MOST_FENCE_TRIES = 100;

export interface ResizeSettings {
  readonly shared: Shared;
  readonly tables: Tables;
  readonly synced: Synced;
  readonly mover: Mover;
  readonly servers: Servers;
  readonly pace: number;
}

export class Resize {
  readonly #settings: ResizeSettings;
  readonly #lease: Lease;
  #driving: Promise<void> | undefined;
  #trouble: unknown;
  #isClosed = false;
  #stopBeat: (() => void) | undefined;

  constructor(settings: ResizeSettings) {
    this.#settings = settings;
    this.#lease = new Lease(settings.shared);
  }

  begin(): void {
    if (this.#isClosed || this.#stopBeat !== undefined) return;
    this.#stopBeat = this.#settings.shared.environment.every(BEAT_MS, () => this.#beat());
  }

  /** Somebody waits for a table that should be there: whoever was to publish it may have died. */
  hurry(): void {
    if (this.#hasWork()) this.#drive(true);
  }

  /** For operators, a sentence for each thing that is not as it should be. */
  troubles(): string[] {
    const { document } = this.#settings.tables;
    const away = document.unfenced.map(
      (name) => `Node ${name} was away when sessions moved; it is looked through when it is back.`,
    );
    if (this.#trouble === undefined || phaseOf(document) === 'stable') return away;
    return [
      ...away,
      `The resize does not get on: ${this.#trouble instanceof Error ? this.#trouble.message : 'see the nodes'}`,
    ];
  }

  async plan(change: RingChange): Promise<ResizePlan> {
    const { shared, pace } = this.#settings;
    const before = this.#settledTable('plan a change');
    const { table: after, warnings } = changedTable(before, change);
    const { moves: ways, ...figures } = tablesCompared(before, after);
    const { moves, uncounted } = await countMoves(shared, before, after, ways);
    const sessions = moves.reduce((sum, move) => sum + move.sessions, 0);
    const bytes = moves.reduce((sum, move) => sum + move.bytes, 0);
    const estimatedMs = ANNOUNCED_MS + Math.round((sessions * 1000) / pace);
    return { ...figures, moves, sessions, bytes, estimatedMs, uncounted, warnings };
  }

  async resize(plan: ResizePlan, options: ResizeOptions | undefined): Promise<void> {
    const { shared, tables } = this.#settings;
    const dead = checked('resize', options, ['dead']).dead ?? [];
    const before = this.#settledTable('begin a resize');
    const after = plannedTable(plan, before, shared.places.fingerprint);
    this.#checkDead(dead, before, after);
    await this.#checkNodes(before, after, dead);
    const { step } = tables.document;
    const next = await tables.publish(after);
    const nodes = namesOf(before, after);
    const agreed = await tables.register.propose(
      (present) => (present?.step === step ? { ...present, step: step + 1, next, nodes, dead, isBack: false } : null),
      dead,
    );
    await tables.follow(agreed.document);
    if (!agreed.isChanged) throw trouble(shared, 'begin a resize', 'something else was changed at the same time');
    await this.#published(after.epoch);
  }

  async pause(): Promise<void> {
    await this.#change('pause', (document) => (document.isPaused ? null : { ...document, isPaused: true }));
    this.#settings.mover.stop();
  }

  async resume(): Promise<void> {
    await this.#change('resume', (document) => (document.isPaused ? { ...document, isPaused: false } : null));
    this.#drive(true);
  }

  async abort(): Promise<'undone' | 'back' | 'nothing'> {
    let outcome: 'undone' | 'back' | 'nothing' = 'nothing';
    await this.#change('abort', (document) => {
      outcome = document.next !== null ? 'undone' : document.leaving !== null ? 'back' : 'nothing';
      if (outcome === 'nothing') return null;
      if (outcome === 'undone') return { ...document, next: null, dead: [], isPaused: false };
      if (document.dead.length === 0) return { ...document, isBack: true, isPaused: false };
      throw trouble(
        this.#settings.shared,
        'abort',
        `${document.dead.join(', ')} was given up, so there is no way back`,
      );
    });
    this.#drive(false);
    return outcome;
  }

  async settled(): Promise<void> {
    const { shared, tables } = this.#settings;
    while (phaseOf(tables.document) !== 'stable') {
      if (this.#isClosed) throw trouble(shared, 'wait for a resize', 'it was closed');
      await rest(shared.environment, LOOK_AGAIN_MS);
    }
  }

  async status(): Promise<ResizeStatus> {
    const { shared, servers } = this.#settings;
    await servers.say(true);
    const { servers: all, silent } = await servers.all();
    const { document, table, next } = shared.places.view;
    const phase = phaseOf(document);
    const move = phase === 'moving' ? await this.#latestProgress() : undefined;
    return {
      step: document.step,
      phase,
      isPaused: document.isPaused,
      isBack: document.isBack,
      epoch: table.epoch,
      fingerprint: document.table,
      ...(next !== null && document.next !== null && { next: { epoch: next.epoch, fingerprint: document.next } }),
      unfenced: document.unfenced,
      servers: all,
      ...(move !== undefined && { move }),
      silent,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopBeat?.();
    this.#settings.mover.stop();
    await this.#driving;
    await this.#settings.servers.leave().catch(() => {});
  }

  #beat(): void {
    void this.#settings.servers.say();
    if (this.#lease.isHeld) void this.#lease.renew(this.#leaseText()).catch(() => {});
    if (this.#hasWork()) this.#drive(false);
  }

  #hasWork(): boolean {
    const { shared, tables } = this.#settings;
    const { next, leaving, isPaused, unfenced } = tables.document;
    const isBack = shared.nodes.some((node) => node.isUp && unfenced.includes(node.name));
    return isBack || (!isPaused && (next !== null || leaving !== null));
  }

  /** Goes on with whatever there is to do, unless that is being done. Never throws. */
  #drive(isForced: boolean): void {
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
    await this.#agree((present) =>
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
    const isMade = await this.#agree((present) =>
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
    await this.#agree((present) =>
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
  async #agree(change: (present: RingDocument) => RingDocument | null): Promise<boolean> {
    const { register } = this.#settings.tables;
    const { document, isChanged } = await register.propose((present) => present && change(present));
    await this.#settings.tables.follow(document);
    return isChanged;
  }

  /** One step further, whatever step it is. */
  async #change(operation: string, change: (document: RingDocument) => RingDocument | null): Promise<void> {
    const { shared, tables } = this.#settings;
    let isThere = false;
    await this.#agree((present) => {
      isThere = true;
      const next = change(present);
      return next && { ...next, step: present.step + 1 };
    });
    if (!isThere) throw trouble(shared, operation, 'there is no table yet');
    await tables.lookAtAll();
  }

  async #published(epoch: number): Promise<void> {
    const { shared, tables } = this.#settings;
    this.#drive(true);
    for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
      const { table } = shared.places;
      if (table.epoch >= epoch) return;
      if (tables.document.next === null) throw trouble(shared, 'resize', 'it was taken back');
      if (this.#isClosed) throw trouble(shared, 'resize', 'it was closed; another process will go on with it');
      if (waitedMs > PUBLISHED_WITHIN_MS) {
        throw trouble(
          shared,
          'resize',
          'not enough nodes answer yet; it goes on when they do, or abort it',
          this.#trouble,
        );
      }
      if (this.#driving === undefined) this.#drive(false);
      await rest(shared.environment, LOOK_AGAIN_MS);
    }
  }

  /** The table in force, if nothing is going on. */
  #settledTable(operation: string): RingTable {
    const { shared, tables } = this.#settings;
    if (phaseOf(tables.document) === 'stable') return shared.places.table;
    throw trouble(shared, operation, 'a resize is going on; wait until it has settled, or abort it');
  }

  #checkDead(dead: readonly string[], before: RingTable, after: RingTable): void {
    if (!Array.isArray(dead)) throw wrong('dead of resize', 'must be names of nodes', dead);
    for (const name of dead) {
      if (!before.nodes.some((node) => node.name === name))
        throw wrong('dead of resize', 'must name nodes of the ring', name);
      if (after.nodes.some((node) => node.name === name))
        throw wrong('dead of resize', 'must name nodes that the plan removes', name);
    }
  }

  /** Nodes that join must be there and whole, and every server must be able to reach all of them. */
  async #checkNodes(before: RingTable, after: RingTable, dead: readonly string[]): Promise<void> {
    const { shared, synced, servers, mover } = this.#settings;
    const wanted = after.nodes.map(({ name }) => name);
    const own = shared.nodes.map(({ name }) => name);
    const unknown = wanted.filter((name) => !own.includes(name));
    if (unknown.length > 0)
      throw wrong(
        `nodes of ${shared.name}`,
        `must name all nodes of the plan first, and lacks ${unknown.join(', ')}`,
        own,
      );
    const { servers: all } = await servers.all();
    const blind = all.find(({ nodes }) => wanted.some((name) => !nodes.includes(name)));
    if (blind !== undefined) {
      const missing = wanted.filter((name) => !blind.nodes.includes(name)).join(', ');
      throw trouble(shared, 'begin a resize', `server ${blind.id} has not got ${missing} in its list of nodes yet`);
    }
    const gaining = gainersOf(before, after);
    for (const node of shared.nodes.filter(({ name }) => gaining.has(name) && !dead.includes(name))) {
      await synced.look(node);
      if (!node.isUp || typeof node.mark !== 'string') {
        throw trouble(
          shared,
          'begin a resize',
          `${node.name} is to take sessions, and ${node.isUp ? 'is not ready yet' : 'does not answer'}`,
        );
      }
      await mover.clear(node);
    }
  }

  #leaseText(): string {
    return JSON.stringify({ by: this.#settings.servers.id, ...this.#settings.mover.progress });
  }

  async #latestProgress(): Promise<MoveProgress | undefined> {
    if (this.#lease.isHeld) return progressIn(this.#leaseText());
    const texts = await leaseTexts(this.#settings.shared.nodes.filter(({ isUp }) => isUp));
    return texts.map(progressIn).find((progress) => progress !== undefined);
  }
}

export function phaseOf({ next, leaving }: RingDocument): ResizePhase {
  if (next !== null) return 'announced';
  return leaving === null ? 'stable' : 'moving';
}

/** SOJOURN_OPTION unless the plan leads from the table in force to another one. */
function plannedTable(plan: ResizePlan, before: RingTable, inForce: string): RingTable {
  if (typeof plan?.before !== 'string' || typeof plan.after !== 'string')
    throw wrong('plan of resize', 'must be one that plan() has made', plan);
  if (hash('sha256', plan.before, 'hex') !== inForce) {
    throw wrong(
      'plan of resize',
      'must be made from the table in force, and that is another one by now; plan anew',
      'an old one',
    );
  }
  const after = readTable(plan.after);
  if (after.epoch !== before.epoch + 1 || after.routing !== before.routing) {
    throw wrong('plan of resize', 'must lead to the next epoch', `epoch ${after.epoch}`);
  }
  return after;
}

function namesOf(...tables: readonly RingTable[]): string[] {
  return [...new Set(tables.flatMap(({ nodes }) => nodes.map(({ name }) => name)))].sort();
}

function specsOf({ nodes }: RingTable) {
  return nodes.map(({ name, weight, zone }) => (zone === null ? { name, weight } : { name, weight, zone }));
}

/** Nodes that come to own slots that they did not. */
function gainersOf(before: RingTable, after: RingTable): Set<string> {
  const gainers = new Set<string>();
  for (const { old, now } of changedRows(before, after))
    for (const name of now) if (!old.includes(name)) gainers.add(name);
  return gainers;
}

function progressIn(text: string): MoveProgress | undefined {
  try {
    const progress = JSON.parse(text) as MoveProgress;
    return typeof progress.by === 'string' && typeof progress.sessions === 'number' ? progress : undefined;
  } catch {
    return undefined;
  }
}
