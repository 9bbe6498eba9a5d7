/**
 * Resizing a ring while it is used: what operators ask for.
 *
 * They plan a change, begin it, watch it, halt it and take it back; each of these is a change of the document (document.ts), or a look at
 * it. What follows from it is done by whoever has the ring open (steps.ts). So an operator's program may end, or die, at any time.
 *
 * Rejected: taking a half-done move back slot by slot. What was written at the new place since would have to be told from what is
 * left at the old one; so it is finished first, and then moved back.
 */
import { hash } from 'node:crypto';
import { checked } from '../../core/options.js';
import { type RingTable, readTable } from '../../ring/table.js';
import { changedRows, changedTable, type ResizePlan, type RingChange, tablesCompared } from './change.js';
import { isControl } from './control.js';
import { countMoves } from './counting.js';
import type { RingDocument } from './document.js';
import type { Mover } from './mover.js';
import { isOutage, type Node } from './node.js';
import { wrong } from './options.js';
import type { Servers } from './servers.js';
import { rest, type Shared, trouble } from './shared.js';
import type { ResizeOptions, ResizePhase, ResizeStatus } from './status.js';
import { ANNOUNCED_MS, namesOf, type Steps } from './steps.js';
import type { Synced } from './synced.js';
import type { Tables } from './tables.js';

const LOOK_AGAIN_MS = 50;
/** How long `resize` waits for what others do, too. */
const PUBLISHED_WITHIN_MS = 60_000;

export interface ResizeSettings {
  readonly shared: Shared;
  readonly tables: Tables;
  readonly synced: Synced;
  readonly mover: Mover;
  readonly servers: Servers;
  readonly steps: Steps;
  readonly pace: number;
}

export class Resize {
  readonly #settings: ResizeSettings;

  constructor(settings: ResizeSettings) {
    this.#settings = settings;
  }

  /** For operators, a sentence for each thing that is not as it should be. */
  troubles(): string[] {
    const { tables, steps } = this.#settings;
    const { document } = tables;
    const away = document.unfenced.map(
      (name) => `Node ${name} was away when sessions moved; it is looked through when it is back.`,
    );
    if (steps.trouble === undefined || phaseOf(document) === 'stable') return away;
    return [
      ...away,
      `The resize was held up, and is tried again: ${steps.trouble instanceof Error ? steps.trouble.message : 'see the nodes'}`,
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
    const agreed = await tables.register
      .propose(
        (present) => (present?.step === step ? { ...present, step: step + 1, next, nodes, dead, isBack: false } : null),
        dead,
      )
      .catch((error) => {
        throw this.#withoutLeavers(after, dead, error);
      });
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
    this.#settings.steps.drive(true);
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
    this.#settings.steps.drive(false);
    return outcome;
  }

  async settled(): Promise<void> {
    const { shared, tables } = this.#settings;
    while (phaseOf(tables.document) !== 'stable') {
      if (this.#settings.steps.isClosed) throw trouble(shared, 'wait for a resize', 'it was closed');
      await rest(shared.environment, LOOK_AGAIN_MS);
    }
  }

  async status(): Promise<ResizeStatus> {
    const { shared, servers } = this.#settings;
    await servers.say(true);
    const { servers: all, silent } = await servers.all();
    const { document, table, next } = shared.places.view;
    const phase = phaseOf(document);
    const move = phase === 'moving' ? await this.#settings.steps.progress() : undefined;
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

  /** One step further, whatever step it is. */
  async #change(operation: string, change: (document: RingDocument) => RingDocument | null): Promise<void> {
    const { shared, tables } = this.#settings;
    let isThere = false;
    await this.#settings.steps.agree((present) => {
      isThere = true;
      const next = change(present);
      return next && { ...next, step: present.step + 1 };
    });
    if (!isThere) throw trouble(shared, operation, 'there is no table yet');
    await tables.lookAtAll();
  }

  async #published(epoch: number): Promise<void> {
    const { shared, tables } = this.#settings;
    this.#settings.steps.drive(true);
    for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
      const { table } = shared.places;
      if (table.epoch >= epoch) return;
      if (tables.document.next === null) throw trouble(shared, 'resize', 'it was taken back');
      if (this.#settings.steps.isClosed)
        throw trouble(shared, 'resize', 'it was closed; another process will go on with it');
      if (waitedMs > PUBLISHED_WITHIN_MS) {
        throw trouble(
          shared,
          'resize',
          'not enough nodes answer yet; it goes on when they do, or abort it',
          this.#settings.steps.trouble,
        );
      }
      if (!this.#settings.steps.isDriving) this.#settings.steps.drive(false);
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
      if (before.nodes.some(({ name }) => name === node.name)) await mover.clear(node);
      else await this.#refuseUsed(node);
    }
  }

  /** Where the nodes that are to leave are those that do not answer, the way out is told. */
  #withoutLeavers(after: RingTable, dead: readonly string[], error: unknown): unknown {
    const { shared } = this.#settings;
    const stay = after.nodes.map(({ name }) => name);
    const away = shared.nodes.filter(({ name, isUp }) => !isUp && !stay.includes(name) && !dead.includes(name));
    if (away.length === 0 || !isOutage(error)) return error;
    const names = away.map(({ name }) => name).join(', ');
    return trouble(
      shared,
      'begin a resize',
      `a majority of the nodes must take part, and too few answer; if ${names} will not come back, say that it is dead`,
      error,
    );
  }

  /** A node that was given up once may come back with sessions that have ended since, and nobody remembers that. */
  async #refuseUsed(node: Node): Promise<void> {
    for await (const id of node.walk('list its cells', () => node.cells.ids())) {
      if (isControl(id) || (await node.ask('look at its cells', () => node.cells.read(id))) === null) continue;
      throw trouble(
        this.#settings.shared,
        'begin a resize',
        `${node.name} is to join, and has sessions already, which this ring knows nothing of; empty it first`,
      );
    }
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

/** Nodes that come to own slots that they did not. */
function gainersOf(before: RingTable, after: RingTable): Set<string> {
  const gainers = new Set<string>();
  for (const { old, now } of changedRows(before, after))
    for (const name of now) if (!old.includes(name)) gainers.add(name);
  return gainers;
}
