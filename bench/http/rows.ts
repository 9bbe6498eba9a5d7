/**
 * From what a contest found to rows: what each entrant's routes cost, in two figures that were measured independently (the quiet
 * CPU of the server per request against that of the bare handler, and requests/s in pairs), and the controls that say whether
 * this run may judge anything.
 */

import { DISAGREEMENT_LIMIT, digits, type Figure, figure, isSteady, percent, range } from '../support/figures.js';
import type { Check, Table } from '../support/result.js';
import type { Outcome, Pair } from './contest.js';
import type { Name } from './entrants.js';
import type { Groups } from './fields.js';
import type { Framework, Route } from './paths.js';
import { rowKey } from './windows.js';

/** What the floor adds on node:http in a quiet minute is 0.4 to 0.9 us; the rest is the resolution of a noisy one. */
const FLOOR_US = [-0.5, 2.5] as const;
/** Bare against bare: how far from 1 the CPU ratio of the control may be. */
const CONTROL_LIMIT = 0.05;

const COLUMNS = ['entrant', 'route', 'CPU added, us', 'of', 'CPU ratio', 'requests/s ratio'];

export interface Row {
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
  /** Its turns, one a round. */
  readonly turns: readonly Pair[];
}

/** More to say about each row than every contest has. */
export interface Column {
  readonly title: string;
  readonly cell: (row: Row) => string;
}

export function rowsOf(outcome: Outcome, groups: Groups): Row[] {
  return groups.flatMap(([name, routes]) => routes.map((route) => rowOf(outcome, name, route)));
}

export function find(rows: readonly Row[], name: Name, route: Route): Row {
  return rows.find((row) => row.name === name && row.route === route)!;
}

function rowOf({ windows, pairs }: Outcome, name: Name, route: Route): Row {
  const bare = figure((windows[rowKey('bare', 'read')] ?? []).map(({ cpu }) => cpu));
  const own = windows[rowKey(name, route)] ?? [];
  const total = figure(own.map(({ cpu }) => cpu)).quiet;
  const turns = pairs.filter((pair) => pair.name === name && pair.route === route);
  return {
    name,
    route,
    total,
    added: total - bare.quiet,
    ratio: bare.quiet / total,
    pairs: figure(turns.map(({ perSecond, barePerSecond }) => perSecond / barePerSecond)),
    busy: figure(own.map(({ busy }) => busy)).median,
    turns,
  };
}

export function tableOf(
  title: string,
  { windows }: Outcome,
  rows: readonly Row[],
  more: readonly Column[] = [],
): Table {
  const bare = windows[rowKey('bare', 'read')] ?? [];
  const cpu = figure(bare.map((window) => window.cpu));
  const busy = figure(bare.map((window) => window.busy));
  return {
    title: `${title}: what a session adds to a request (bare: ${digits(cpu.quiet)} us of CPU)`,
    columns: [...COLUMNS, ...more.map((column) => column.title), 'server busy', 'remark'],
    rows: [
      ['bare', 'read', '', digits(cpu.quiet), '1.00', '', ...more.map(() => ''), percent(busy.median), ''],
      ...rows.map((row) => [
        row.name,
        row.route,
        digits(row.added, true),
        digits(row.total),
        digits(row.ratio),
        `${digits(row.pairs.median)} (${range(row.pairs)})`,
        ...more.map(({ cell }) => cell(row)),
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

export function controlsOf(framework: Framework, title: string, rows: readonly Row[]): Check[] {
  const again = find(rows, 'bare again', 'read');
  const control: Check = {
    what: `${title}: bare against bare, CPU ratio 1 within ${CONTROL_LIMIT}`,
    found: `${digits(again.ratio)} (${digits(again.added, true)} us)`,
    ok: Math.abs(again.ratio - 1) <= CONTROL_LIMIT,
  };
  if (framework !== 'node:http') return [control];
  const { added } = find(rows, 'floor', 'read');
  const [least, most] = FLOOR_US;
  const floor: Check = {
    what: `${title}: the floor adds ${least} to ${most} us to a read`,
    found: `${digits(added, true)} us`,
    ok: added >= least && added <= most,
  };
  return [control, floor];
}
