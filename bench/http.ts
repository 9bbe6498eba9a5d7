/**
 * What a session adds to a request over HTTP, on node:http and on Express 5: the part of the benchmark that users will ask
 * about first. Method and why so: bench/README.md.
 *
 * Two figures a row, measured independently: the quiet CPU of the server per request, against that of the bare handler, and
 * requests/s in pairs. A run whose controls are off is not judged.
 */
import { contest, type Outcome } from './http/contest.js';
import { FIELDS } from './http/fields.js';
import type { Framework } from './http/paths.js';
import { controlsOf, find, type Row, rowsOf, tableOf } from './http/rows.js';
import { answer } from './support/processes.js';
import { type Goal, judge, type Result } from './support/result.js';

const PACE = { rounds: 6, turnMs: 750 };
const QUICK_PACE = { rounds: 3, turnMs: 400 };
const FIELD = 'in process';
const FRAMEWORKS: readonly Framework[] = ['node:http', 'Express 5'];

answer(async ({ quick }: { quick: boolean }): Promise<Result> => {
  const results: Result[] = [];
  for (const framework of FRAMEWORKS) {
    results.push(resultOf(framework, await contest({ framework, field: FIELD }, quick ? QUICK_PACE : PACE)));
  }
  return {
    tables: results.flatMap(({ tables }) => tables),
    goals: results.flatMap(({ goals }) => goals),
    checks: results.flatMap(({ checks }) => checks),
  };
});

function resultOf(framework: Framework, outcome: Outcome): Result {
  const rows = rowsOf(outcome, FIELDS[FIELD]);
  const controls = controlsOf(framework, framework, rows);
  const doubt = controls.every(({ ok }) => ok) ? undefined : 'the controls of this run are off';
  return {
    tables: [tableOf(framework, outcome, rows)],
    goals: goalsOf(framework, rows, outcome, doubt),
    checks: [...controls, ...outcome.checks],
  };
}

function goalsOf(framework: Framework, rows: readonly Row[], outcome: Outcome, doubt: string | undefined): Goal[] {
  const read = find(rows, 'sojourn + LMDB', 'read');
  const what = `${framework}: a read-only request on LMDB`;
  const speed =
    framework === 'node:http'
      ? judge({ what: `${what}, CPU over bare`, bound: 'at most', limit: 4, unit: 'us' }, read.added, read.pairs, doubt)
      : judge(
          { what: `${what}, CPU ratio to bare`, bound: 'at least', limit: 0.9, unit: '' },
          read.ratio,
          read.pairs,
          doubt,
        );
  return [
    speed,
    ...Object.entries(outcome.writesInReads).flatMap(([name, writes]) => writesGoal(framework, name, writes)),
  ];
}

function writesGoal(framework: Framework, name: string, writes: number): Goal[] {
  if (!name.startsWith('sojourn')) return [];
  return [
    {
      what: `${framework}, ${name}: writes to the store in 1,000 reads`,
      target: '0',
      measured: String(writes),
      verdict: writes === 0 ? 'met' : 'not met',
    },
  ];
}
