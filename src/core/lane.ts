/**
 * One commit at a time for each session inside a process.
 *
 * A hundred overlapping requests that update one counter would fight a hundred times over the network: each commit makes
 * all others lose. So the first one goes, the rest wait in the session's lane, and when it is back everything that waits
 * is combined into one delta on top of what is known to be stored. Fights remain only between processes, and there a
 * conflict brings the present values with it: rerun on those, without another read. At least one process gets through
 * each time, so the number of rounds is bounded by the number of processes; MAX_ATTEMPTS only guards against a store that
 * answers `conflict` for ever.
 *
 * Changes that replace the secret (rotate, login) go alone: two of them cannot be one. A lane exists only while a commit
 * is under way. A store that answers at once (memory) never needs one.
 *
 * Who waits in a lane waits for the store, and spends his request's time for it. When that is up he leaves the lane, so that
 * nothing of a request that was answered with 503 is written afterwards; unless it is under way already.
 */
import type { Delta, MaybePromise, Outcome, Write } from '../contract.js';
import { failure } from '../errors.js';
import type { Allowance } from './deadline.js';
import { sameBytes } from './delta.js';
import type { Guarded } from './guard.js';
import { withoutSecret } from './head-change.js';
import {
  type Bytes,
  bytesOf,
  type Course,
  follow,
  type Intent,
  type Mutations,
  soleWrite,
  start,
  writeOf,
} from './intent.js';
import { chain, isPromise } from './maybe.js';

const MAX_ATTEMPTS = 100;

/** What one request wants of one stored session. */
export interface Change {
  readonly generation: number;
  readonly head: Delta['head'];
  /** Set when this change hangs on the present secret: its hash. */
  readonly replaces?: Uint8Array;
  readonly intents: ReadonlyMap<string, Intent>;
  /** The id that the session moves to, in a store that is `Shared`. Goes alone. */
  readonly to?: string;
  /** True when it cannot be combined with others. */
  readonly alone: boolean;
}

export type Landed =
  /** `writes`: what landed, of this change and of those it was combined with. `overtaken`: another request's rotation came first. */
  | {
      readonly status: 'ok';
      readonly version: number;
      readonly writes: ReadonlyMap<string, Write>;
      readonly overtaken: boolean;
    }
  | { readonly status: 'gone' };

export type Commit = (id: string, change: Change, allowance?: Allowance) => MaybePromise<Landed>;

interface Waiting {
  readonly change: Change;
  resolve(landed: Landed): void;
  reject(error: unknown): void;
}
interface Lane {
  readonly waiting: Waiting[];
  known: Map<string, Bytes>;
}
/** How one change of a batch ended. */
type Result = { readonly landed: Landed } | { readonly error: unknown };

export interface LaneSettings {
  readonly store: Pick<Guarded, 'commit'>;
  /** How long a change waits its turn. Without it, as long as it takes. */
  readonly patience?: Guarded['patience'];
  readonly mutations: Mutations;
  onConflict(id: string, field: string, lost: boolean): void;
}

/** The commit of a process: changes of one id in order and combined, changes of different ids side by side. */
export function lanes(settings: LaneSettings): Commit {
  const open = new Map<string, Lane>();

  return (id, change, allowance) => {
    const lane = open.get(id);
    if (lane !== undefined) return queue(settings, lane, change, allowance);
    const known = new Map<string, Bytes>();
    const landed = landAlone(settings, id, change, known, allowance);
    if (!isPromise(landed)) return landed;
    const busy: Lane = { waiting: [], known };
    open.set(id, busy);
    return landed.finally(() => run(id, busy));
  };

  /** Lands what has gathered while the last commit was under way, until nothing has. */
  function run(id: string, lane: Lane): void {
    const batch = nextBatch(lane.waiting);
    if (batch.length === 0) {
      open.delete(id);
      return;
    }
    const changes = batch.map(({ change }) => change);
    // A promise even where the store answers at once, so that a failure always has somewhere to go.
    Promise.resolve()
      .then(() => land(settings, id, changes, lane.known, false, undefined))
      .then(
        (results) => settle(batch, (i) => results[i]!),
        (error) => settle(batch, () => ({ error })),
      )
      .finally(() => run(id, lane));
  }
}

function queue({ patience }: LaneSettings, lane: Lane, change: Change, allowance?: Allowance): Promise<Landed> {
  return new Promise((resolve, reject) => {
    const leave = patience?.('commit', allowance, (error) => {
      const at = lane.waiting.indexOf(waiting);
      if (at !== -1) lane.waiting.splice(at, 1);
      reject(error);
    });
    const waiting: Waiting = {
      change,
      resolve(landed) {
        leave?.();
        resolve(landed);
      },
      reject(error) {
        leave?.();
        reject(error);
      },
    };
    lane.waiting.push(waiting);
  });
}

/** Takes from the queue what can be one commit: a change that must go alone, or all until the next such. */
function nextBatch(waiting: Waiting[]): Waiting[] {
  const first = waiting[0];
  if (first === undefined) return [];
  const generation = first.change.generation;
  let end = 1;
  while (!first.change.alone && end < waiting.length) {
    const next = waiting[end]!.change;
    if (next.alone || next.generation !== generation) break;
    end++;
  }
  return waiting.splice(0, end);
}

/** The common case, without any folding: what the change has read is what it builds on. */
function landAlone(
  settings: LaneSettings,
  id: string,
  change: Change,
  known: Map<string, Bytes>,
  allowance: Allowance | undefined,
): MaybePromise<Landed> {
  const fields = new Map<string, Write>();
  for (const [field, intent] of change.intents) fields.set(field, soleWrite(intent));
  const delta = deltaOf(change, change.head, fields);
  return chain(settings.store.commit(id, delta, allowance), (outcome) => {
    if (outcome.status !== 'conflict') return landedOn(outcome, delta, known, false);
    const overtaken = learn(outcome.fields, delta, known);
    return chain(land(settings, id, [change], known, overtaken, allowance), (results) => unwrap(results[0]!));
  });
}

/**
 * One batch, tried until it lands. `known` is what the store holds as far as we know, and is kept up to date;
 * `overtaken`: another request's rotation has come first. `allowance`: that of a change which is alone.
 */
function land(
  settings: LaneSettings,
  id: string,
  batch: readonly Change[],
  known: Map<string, Bytes>,
  overtaken: boolean,
  allowance: Allowance | undefined,
): MaybePromise<Result[]> {
  const results: Result[] = new Array(batch.length);
  return attempt(1, overtaken);

  function attempt(round: number, overtaken: boolean): MaybePromise<Result[]> {
    const combined = combine(batch, results, known, settings.mutations);
    if (combined === null) return results;
    const delta = overtaken ? withoutRotation(combined.delta) : combined.delta;
    return chain(settings.store.commit(id, delta, allowance), (outcome) => {
      if (outcome.status === 'conflict') {
        if (round === MAX_ATTEMPTS) throw failure('SOJOURN_CONTENDED', { attempts: round });
        return attempt(round + 1, learn(outcome.fields, delta, known) || overtaken);
      }
      if (outcome.status === 'ok') for (const [field, lost] of combined.conflicts) settings.onConflict(id, field, lost);
      const landed = landedOn(outcome, delta, known, overtaken);
      for (let i = 0; i < batch.length; i++) results[i] ??= { landed };
      return results;
    });
  }
}

function landedOn(
  outcome: Exclude<Outcome, { status: 'conflict' }>,
  delta: Delta,
  known: Map<string, Bytes>,
  overtaken: boolean,
): Landed {
  if (outcome.status === 'gone') return outcome;
  for (const [field, write] of delta.fields) known.set(field, bytesOf(write));
  return { status: 'ok', version: outcome.version, writes: delta.fields, overtaken };
}

/** Takes in what a conflict brought. True when no field was the reason: then a rotation has come first. */
function learn(present: ReadonlyMap<string, Bytes>, delta: Delta, known: Map<string, Bytes>): boolean {
  for (const [field, value] of present) known.set(field, value);
  return delta.replaces !== undefined && allAsExpected(present, delta.fields);
}

interface Combined {
  readonly delta: Delta;
  readonly conflicts: readonly (readonly [field: string, lost: boolean])[];
}

/** Folds the changes of a batch into one delta; null when none is left. A change that fails by itself gets its error in `results`. */
function combine(
  batch: readonly Change[],
  results: Result[],
  known: ReadonlyMap<string, Bytes>,
  mutations: Mutations,
): Combined | null {
  const courses = new Map<string, Course>();
  const conflicts: [string, boolean][] = [];
  let head: Delta['head'] | undefined;
  let first: Change | undefined;
  for (let i = 0; i < batch.length; i++) {
    if (results[i] !== undefined) continue;
    const change = batch[i]!;
    const trial = new Map<string, Course>();
    const noted: [string, boolean][] = [];
    try {
      for (const [field, intent] of change.intents) {
        const course = courses.get(field) ?? start(intent, known.get(field));
        trial.set(
          field,
          follow(course, field, intent, mutations, (name, lost) => noted.push([name, lost])),
        );
      }
    } catch (error) {
      results[i] = { error };
      continue;
    }
    for (const [field, course] of trial) courses.set(field, course);
    conflicts.push(...noted);
    first ??= change;
    head = head === undefined ? change.head : later(head, change.head);
  }
  if (first === undefined || head === undefined) return null;
  const fields = new Map<string, Write>();
  for (const [field, course] of courses) fields.set(field, writeOf(course));
  return { delta: deltaOf(first, head, fields), conflicts };
}

function deltaOf(change: Change, head: Delta['head'], fields: ReadonlyMap<string, Write>): Delta {
  const { generation, replaces, to } = change;
  if (to !== undefined) return { generation, head, to, fields };
  return replaces === undefined ? { generation, head, fields } : { generation, head, replaces, fields };
}

/** Two heads of one batch: whatever either sets, and the later deadline. */
function later(a: Delta['head'], b: Delta['head']): Delta['head'] {
  return { ...a, ...b, expiresAt: Math.max(a.expiresAt, b.expiresAt) };
}

function withoutRotation({ generation, head, fields }: Delta): Delta {
  return { generation, head: withoutSecret(head), fields };
}

function allAsExpected(present: ReadonlyMap<string, Bytes>, writes: ReadonlyMap<string, Write>): boolean {
  for (const [field, value] of present) {
    const write = writes.get(field);
    if (write?.op === 'swap' && !sameBytes(write.expect, value)) return false;
  }
  return true;
}

function settle(batch: readonly Waiting[], resultOf: (i: number) => Result): void {
  batch.forEach((waiting, i) => {
    const result = resultOf(i);
    if ('error' in result) waiting.reject(result.error);
    else waiting.resolve(result.landed);
  });
}

function unwrap(result: Result): Landed {
  if ('error' in result) throw result.error;
  return result.landed;
}
