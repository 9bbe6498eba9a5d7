/**
 * What the engine does with a store, one step after the other: load, think, commit what follows from what was read.
 *
 * A `Visitors` is the work of one process. Every call is written down with its effect before it is made, and judged when it is answered;
 * what never comes back stays open, as it is when a process dies.
 */
import type { Delta, Outcome, Store, Stored, Write } from '../../../src/contract.js';
import type { AppProcess } from './app-process.js';
import type { Calm } from './calm.js';
import { chance } from './chance.js';
import { type Effect, type Look, Operation, SECRET, Story } from './history.js';
import { type Judge, text } from './judge.js';
import { LOG, type Step } from './scenario.js';
import type { World } from './world.js';

export interface Setting {
  readonly world: World;
  readonly calm: Calm;
  readonly judge: Judge;
  readonly stories: Story[];
  /** The session that each slot is about now. */
  readonly slots: (Story | undefined)[];
  readonly tally: Tally;
  readonly seed: number;
}

/** What a run, or many, have met. */
export interface Tally {
  loads: number;
  absent: number;
  created: number;
  ok: number;
  conflict: number;
  gone: number;
  errors: number;
}

export function emptyTally(): Tally {
  return { loads: 0, absent: 0, created: 0, ok: 0, conflict: 0, gone: 0, errors: 0 };
}

/** Times of the operation that asks, and the call itself. */
type Call<T> = () => T | Promise<T>;
type Change = readonly [delta: Delta, effect: Effect];

/** How often an `append` tries again. */
const ATTEMPTS = 4;
const ROTATION_GRACE_MS = 10_000;
const LOGIN_GRACE_MS = 60_000;
const LIFETIME_MS = 3_600_000;

export class Visitors {
  readonly process: AppProcess;
  /** Calls without an answer. */
  readonly waiting = new Set<{ readonly story: Story; readonly what: string; readonly since: number }>();
  readonly #store: Store;
  readonly #setting: Setting;

  constructor(setting: Setting, process: AppProcess, store: Store) {
    this.#setting = setting;
    this.process = process;
    this.#store = store;
  }

  async take(step: Step): Promise<void> {
    const story = this.#setting.slots[step.slot];
    const isOver = story?.operations.some(({ effect, isAcknowledged }) => effect.destroys && isAcknowledged);
    // Ended sessions are looked at for a while, to see whether they come back.
    if (step.verb === 'create' || (isOver && step.number % 2 === 0)) return this.create(step);
    if (story === undefined) return;
    const stored = await this.load(story);
    if (!stored || step.verb === 'load') return;
    await this.#think(step.thinksMs);
    if (step.verb === 'destroy') await this.#destroy(story, step, stored);
    else if (step.verb === 'append') await this.#append(story, step, stored);
    else await this.#commit(story, `${step.verb} ${step.number}`, this.#change(step, stored));
  }

  async create({ number, slot, livesMs }: Pick<Step, 'number' | 'slot' | 'livesMs'>): Promise<void> {
    const { stories, slots, seed, tally } = this.#setting;
    const id = Buffer.from(chance(`id ${seed} ${number}`).bytes(16)).toString('base64url');
    const secret = `secret ${number}`;
    const now = this.process.environment.now();
    const expiresAt = now + livesMs;
    const writes = new Map([
      [SECRET, secret],
      ['a', `a of ${number}`],
    ]);
    const creation = this.#operation(`create ${number}`, { writes, generation: 0, expiresAt, creates: true });
    const story = new Story(id, creation);
    stories.push(story);
    slots[slot] = story;
    const head = { createdAt: now, expiresAt, version: 1, generation: 0, secret: secretOf(secret) };
    const fields = new Map([['a', bytesOf(`a of ${number}`)]]);
    const answer = await this.#answer(story, creation, () => this.#store.create(id, { head, fields }));
    if (answer === undefined) return;
    tally.created++;
    creation.answered(answer, this.#setting.world.now);
    this.#setting.judge.created(story, answer);
  }

  /** Undefined: there was no answer but an error. `forgiven`: the judge does not hear of it. */
  async load(story: Story, failed?: (error: unknown) => void): Promise<Stored | null | undefined> {
    const { judge, tally } = this.#setting;
    const look = this.#look();
    const clockMs = this.process.environment.now();
    let stored: Stored | null;
    const end = this.#begin(story, 'load');
    try {
      stored = await this.#store.load(story.id);
    } catch (error) {
      tally.errors++;
      if (failed) failed(error);
      else judge.failed(story, look(), error);
      return undefined;
    } finally {
      end();
    }
    tally.loads++;
    if (stored === null) tally.absent++;
    judge.loaded(story, look(), stored, clockMs);
    return stored;
  }

  async #destroy(story: Story, { number }: Step, { head }: Stored): Promise<void> {
    const effect: Effect = { writes: new Map(), generation: head.generation, destroys: true };
    const operation = this.#operation(`destroy ${number}`, effect);
    story.add(operation);
    const answer = await this.#answer(story, operation, async () => {
      await this.#store.destroy(story.id);
      return true;
    });
    if (answer) operation.answered('ok', this.#setting.world.now);
  }

  async #append(story: Story, { number }: Step, { head, fields }: Stored): Promise<void> {
    let holds = text(fields.get(LOG));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const entry = `${number}.${attempt}`;
      const value = holds === null ? entry : `${holds},${entry}`;
      const write: Write = { op: 'swap', expect: holds === null ? null : bytesOf(holds), value: bytesOf(value) };
      const { generation } = head;
      const expiresAt = this.process.environment.now() + LIFETIME_MS;
      const outcome = await this.#commit(story, `append ${number}`, [
        { generation, head: { expiresAt }, fields: new Map([[LOG, write]]) },
        { writes: new Map(), entry, expect: holds, generation, expiresAt },
      ]);
      if (outcome?.status !== 'conflict') return;
      holds = text(outcome.fields.get(LOG));
    }
  }

  async #commit(story: Story, name: string, [delta, effect]: Change): Promise<Outcome | undefined> {
    const { judge, tally, world } = this.#setting;
    const look = this.#look();
    const operation = this.#operation(name, effect);
    story.add(operation);
    const outcome = await this.#answer(story, operation, () => this.#store.commit(story.id, delta));
    if (outcome === undefined) return undefined;
    tally[outcome.status]++;
    operation.answered(outcome.status, world.now);
    judge.committed(story, operation, look(), outcome);
    return outcome;
  }

  #change({ verb, number, field }: Step, { head }: Stored): Change {
    const now = this.process.environment.now();
    const expiresAt = now + LIFETIME_MS;
    const { generation } = head;
    const plain = { generation, head: { expiresAt }, fields: new Map<string, Write>() };
    if (verb === 'set' || verb === 'delete') {
      const value = verb === 'set' ? `${field} of ${number}` : null;
      const write: Write = value === null ? { op: 'delete' } : { op: 'set', value: bytesOf(value) };
      const writes = new Map([[field, value]]);
      return [
        { ...plain, fields: new Map([[field, write]]) },
        { writes, generation, expiresAt },
      ];
    }
    if (verb === 'touch') return [plain, { writes: new Map(), generation, expiresAt }];
    const secret = `secret ${number}`;
    const writes = new Map([[SECRET, secret]]);
    const present = head.secret ?? secretOf('');
    if (verb === 'rotate') {
      const previous = { secret: present, until: now + ROTATION_GRACE_MS, opens: 'session' as const };
      return [
        { ...plain, replaces: present, head: { expiresAt, secret: secretOf(secret), previous } },
        { writes, generation, expiresAt, replaces: text(present)! },
      ];
    }
    const previous = { secret: present, until: now + LOGIN_GRACE_MS, opens: 'nothing' as const };
    const nextGeneration = generation + 1;
    const signedIn = { user: `user ${number % 7}`, signedInAt: now, generation: nextGeneration };
    return [
      { ...plain, head: { expiresAt, secret: secretOf(secret), previous, ...signedIn } },
      { writes, generation, nextGeneration, expiresAt },
    ];
  }

  /** What the store answers; undefined where it throws, and then nobody knows what became of it. */
  async #answer<T>(story: Story, operation: Operation, call: Call<T>): Promise<T | undefined> {
    const { judge, tally, world } = this.#setting;
    const look = this.#look();
    const end = this.#begin(story, operation.name);
    try {
      return await call();
    } catch (error) {
      tally.errors++;
      operation.answered('error', world.now);
      judge.failed(story, look(), error, operation);
      return undefined;
    } finally {
      end();
    }
  }

  #begin(story: Story, what: string): () => void {
    const { world } = this.#setting;
    const call = { story, what: `${what} by ${this.process.name} at ${world.now.toFixed(1)}`, since: world.now };
    this.waiting.add(call);
    world.note(() => `${this.process.name}: ${what} of ${story.id}`);
    return () => this.waiting.delete(call);
  }

  #operation(name: string, effect: Effect): Operation {
    const { world, calm } = this.#setting;
    return new Operation(name, this.process.name, effect, world.now, calm);
  }

  /** Called before a call, and once more after it. */
  #look(): () => Look {
    const { world, calm } = this.#setting;
    const called = world.now;
    const { epoch, isCalm } = calm;
    return () => ({
      process: this.process.name,
      called,
      returned: world.now,
      isCalm: isCalm && epoch === calm.epoch,
      epoch: calm.epoch,
    });
  }

  #think(ms: number): Promise<void> {
    const { world } = this.#setting;
    return new Promise((resolve) => {
      world.after(ms, () => this.process.receive(resolve));
    });
  }
}

function bytesOf(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

/** As long as a SHA-256. */
function secretOf(value: string): Buffer {
  return bytesOf(value.padEnd(32));
}
