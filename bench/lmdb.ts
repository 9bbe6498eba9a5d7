/**
 * LMDB alone, through the store's own verbs: what a load and a commit cost the process, and how long a change takes to be
 * seen by another process. Commits are kept in flight as a busy server would have them, because LMDB writes what has
 * gathered in one transaction; one at a time would measure the waiting.
 */
import { join } from 'node:path';
import { json, type Store } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { lmdbFloor } from './lmdb/floor.js';
import { begin, commitViews, IN_FLIGHT, sumOfVersions } from './lmdb/traffic.js';
import { visibility } from './lmdb/visibility.js';
import { digits, figure, isSteady, percent, range } from './support/figures.js';
import { answer, sayLive } from './support/processes.js';
import { type Check, judge, type Result, type Table } from './support/result.js';
import { type Case, inTurns, measure } from './support/rounds.js';
import { tempFolder } from './support/temp.js';

const PACE = { rounds: 24, turnMs: 250 };
const QUICK_PACE = { rounds: 5, turnMs: 120 };
const CHANGES = 500;
const QUICK_CHANGES = 100;
const SESSIONS = 1000;

const READ = 'load, and decode one field';
const COMMIT = 'commit one field (durable: false)';
const DURABLE_COMMIT = 'commit one field (default: durable)';
const FLOOR_READ = 'floor: the bare package reads and copies a record';
const FLOOR_WRITE = 'floor: the bare package reads, copies and puts on condition, not durable';

answer(async ({ quick }: { quick: boolean }): Promise<Result> => {
  const folder = tempFolder();
  const durable = lmdb(join(folder, 'durable'));
  const loose = lmdb(join(folder, 'not-durable'), { durable: false });
  const ids = Array.from({ length: SESSIONS }, (_, i) => `session-${i}`);
  await Promise.all([durable, loose].flatMap((store) => ids.map((id) => begin(store, id))));

  const commits = [commitCase(COMMIT, loose, ids), commitCase(DURABLE_COMMIT, durable, ids)];
  const reads: Case = { name: READ, run: (times) => readAll(loose, ids, times) };
  const floor = await lmdbFloor(join(folder, 'floor'), ids);
  const floors: Case[] = [
    { name: FLOOR_READ, run: floor.read },
    { name: FLOOR_WRITE, run: floor.write },
  ];
  const samples = await measure([...floors, reads, ...commits], quick ? QUICK_PACE : PACE);
  await floor.close();
  const checks = await Promise.all(commits.map(versionsCheck));
  sayLive('a second process writes');
  const changes = quick ? QUICK_CHANGES : CHANGES;
  const seen = {
    [COMMIT]: await visibility(join(folder, 'seen-not-durable'), false, changes),
    [DURABLE_COMMIT]: await visibility(join(folder, 'seen-durable'), true, changes),
  };
  await Promise.all([durable.close?.(), loose.close?.()]);
  return { tables: [costs(samples), delays(seen)], goals: goals(samples, seen), checks };
});

function readAll(store: Store, ids: readonly string[], times: number): Promise<void> {
  const codec = json();
  return inTurns(times, (i) => {
    const stored = store.load(ids[i % ids.length]!);
    if (stored === null || 'then' in stored) throw new Error('LMDB is expected to answer at once.');
    return codec.decode(stored.fields.get('name')!);
  });
}

interface CommitCase extends Case {
  readonly store: Store;
  readonly ids: readonly string[];
  commits: number;
}

function commitCase(name: string, store: Store, ids: readonly string[]): CommitCase {
  return {
    name,
    store,
    ids,
    commits: 0,
    run(times) {
      this.commits += times;
      return commitViews(store, ids, times);
    },
  };
}

async function versionsCheck({ name, store, ids, commits }: CommitCase): Promise<Check> {
  // A version is 1 when a session begins, and one more with every commit.
  const found = (await sumOfVersions(store, ids)) - ids.length;
  return { what: `LMDB alone, ${name}: all are there`, found: `${found} of ${commits}`, ok: found === commits };
}

function costs(samples: ReadonlyMap<string, readonly number[]>): Table {
  return {
    title: `LMDB alone: CPU per operation (1 KB, ${SESSIONS} sessions, ${IN_FLIGHT} commits in flight)`,
    columns: ['operation', 'CPU, us (quiet)', 'median (min..max)', 'remark'],
    rows: [...samples].map(([name, values]) => {
      const cost = figure(values);
      const remark = isSteady(cost) ? '' : `noisy: rounds spread ${percent(cost.spread)}`;
      return [name, digits(cost.quiet), `${digits(cost.median)} (${range(cost)})`, remark];
    }),
  };
}

function delays(seen: Readonly<Record<string, readonly number[]>>): Table {
  return {
    title: 'LMDB alone: from the call of `commit` until another process sees it',
    columns: ['operation', 'median, us', 'min..max', 'changes'],
    rows: Object.entries(seen).map(([name, values]) => {
      const delay = figure(values);
      return [name, digits(delay.median), range(delay), String(values.length)];
    }),
  };
}

function goals(
  samples: ReadonlyMap<string, readonly number[]>,
  seen: Readonly<Record<string, readonly number[]>>,
): Result['goals'] {
  const cost = (what: string, limit: number): Result['goals'][number] => {
    const samplesOfIt = figure(samples.get(what)!);
    return judge(
      { what: `LMDB alone: ${what}, CPU`, bound: 'at most', limit, unit: 'us' },
      samplesOfIt.quiet,
      samplesOfIt,
    );
  };
  const delay = (what: string): Result['goals'][number] => {
    const { median } = figure(seen[what]!);
    // Delays have a tail by nature, and the goal is about their middle.
    const steady = figure([median]);
    return judge(
      { what: `${what}, seen by another process, median`, bound: 'at most', limit: 1000, unit: 'us' },
      median,
      steady,
    );
  };
  return [cost(READ, 3), cost(COMMIT, 6), cost(DURABLE_COMMIT, 6), delay(COMMIT), delay(DURABLE_COMMIT)];
}
