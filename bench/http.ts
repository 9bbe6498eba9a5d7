/**
 * What a session adds to a request over HTTP, on node:http and on Express 5: the part of the benchmark that users will ask
 * about first. Method and why so: bench/README.md.
 *
 * Two figures a row, measured independently: the quiet CPU of the server per request, against that of the bare handler, and
 * requests/s in pairs. A run whose controls are off is not judged.
 */

import { contest, GROUPS, type Outcome } from './http/contest.js';
import type { Name } from './http/entrants.js';
import type { Framework, Route } from './http/paths.js';
import { rowKey } from './http/windows.js';
import { DISAGREEMENT_LIMIT, digits, type Figure, figure, isSteady, percent, range } from './support/figures.js';
import { answer } from './support/processes.js';
import { type Check, type Goal, judge, type Result, type Table } from './support/result.js';

const PACE = { rounds: 6, turnMs: 750 };
const QUICK_PACE = { rounds: 3, turnMs: 400 };
const FRAMEWORKS: readonly Framework[] = ['node:http', 'Express 5'];

/** What the floor adds on node:http in a quiet minute is 0.4 to 0.9 us; the rest is the resolution of a noisy one. */
const FLOOR_US = [-0.5, 2.5] as const;
/** Bare against bare: how far from 1 the CPU ratio of the control may be. */
const CONTROL_LIMIT = 0.05;

interface Row {
  readonly name: Name;
  readonly route: Route;
  /** Microseconds of CPU per request over bare, and of how many. */
  readonly added: number;
  readonly total: number;
  /** Quiet CPU of bare / quiet CPU of this row. */
  readonly ratio: number;
  /** Requests/s of this row / of bare, in pairs. */
  readonly pairs: Figure;
  readonly busy: number;
}

answer(async ({ quick }: { quick: boolean }): Promise<Result> => {
  const results: Result[] = [];
  for (const framework of FRAMEWORKS) {
    results.push(resultOf(framework, await contest(framework, quick ? QUICK_PACE : PACE)));
  }
  return {
    tables: results.flatMap(({ tables }) => tables),
    goals: results.flatMap(({ goals }) => goals),
    checks: results.flatMap(({ checks }) => checks),
  };
});

function resultOf(framework: Framework, outcome: Outcome): Result {
  const rows = GROUPS.flatMap(([name, routes]) => routes.map((route) => rowOf(outcome, name, route)));
  const controls = controlsOf(framework, rows);
  const doubt = controls.every(({ ok }) => ok) ? undefined : 'the controls of this run are off';
  return {
    tables: [tableOf(framework, outcome, rows)],
    goals: goalsOf(framework, rows, outcome, doubt),
    checks: [...controls, ...outcome.checks],
  };
}

function rowOf({ windows, pairs }: Outcome, name: Name, route: Route): Row {
  const bare = figure((windows[rowKey('bare', 'read')] ?? []).map(({ cpu }) => cpu));
  const own = windows[rowKey(name, route)] ?? [];
  const total = figure(own.map(({ cpu }) => cpu)).quiet;
  const ratios = pairs.filter((pair) => pair.name === name && pair.route === route);
  return {
    name,
    route,
    total,
    added: total - bare.quiet,
    ratio: bare.quiet / total,
    pairs: figure(ratios.map(({ perSecond, barePerSecond }) => perSecond / barePerSecond)),
    busy: figure(own.map(({ busy }) => busy)).median,
  };
}

function tableOf(framework: Framework, { windows }: Outcome, rows: readonly Row[]): Table {
  const bare = windows[rowKey('bare', 'read')] ?? [];
  const cpu = figure(bare.map((window) => window.cpu));
  const busy = figure(bare.map((window) => window.busy));
  return {
    title: `${framework}: what a session adds to a request (bare: ${digits(cpu.quiet)} us of CPU)`,
    columns: ['entrant', 'route', 'CPU added, us', 'of', 'CPU ratio', 'requests/s ratio', 'server busy', 'remark'],
    rows: [
      ['bare', 'read', '', digits(cpu.quiet), '1.00', '', percent(busy.median), ''],
      ...rows.map((row) => [
        row.name,
        row.route,
        digits(row.added, true),
        digits(row.total),
        digits(row.ratio),
        `${digits(row.pairs.median)} (${range(row.pairs)})`,
        percent(row.busy),
        remarkOn(row),
      ]),
    ],
  };
}

function remarkOn({ ratio, pairs }: Row): string {
  if (!isSteady(pairs)) return `no fact: pairs spread ${percent(pairs.spread)}`;
  const apart = Math.abs(ratio - pairs.median) / ratio;
  return apart > DISAGREEMENT_LIMIT ? `CPU and requests/s disagree by ${percent(apart)}` : '';
}

function controlsOf(framework: Framework, rows: readonly Row[]): Check[] {
  const again = find(rows, 'bare again', 'read');
  const control: Check = {
    what: `${framework}: bare against bare, CPU ratio 1 within ${CONTROL_LIMIT}`,
    found: `${digits(again.ratio)} (${digits(again.added, true)} us)`,
    ok: Math.abs(again.ratio - 1) <= CONTROL_LIMIT,
  };
  if (framework !== 'node:http') return [control];
  const { added } = find(rows, 'floor', 'read');
  const [least, most] = FLOOR_US;
  const floor: Check = {
    what: `${framework}: the floor adds ${least} to ${most} us to a read`,
    found: `${digits(added, true)} us`,
    ok: added >= least && added <= most,
  };
  return [control, floor];
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

function find(rows: readonly Row[], name: Name, route: Route): Row {
  return rows.find((row) => row.name === name && row.route === route)!;
}
