/**
 * What one request made Redis do, from the counts of its turns. Commands that a client sent are told apart from those that a
 * script ran (see trace.ts); heartbeats are neither, they come by the clock.
 */
import type { Outcome } from '../http/contest.js';
import type { Row } from '../http/rows.js';
import { rowKey } from '../http/windows.js';
import { digits } from '../support/figures.js';
import type { Check } from '../support/result.js';
import { HEARTBEAT } from './trace.js';

export interface Counted {
  readonly requests: number;
  /** Commands that were sent in all of this row's turns. */
  readonly sent: number;
  /** `get 1, evalsha 1 (in it: get 1, set 1)`. */
  readonly text: string;
}

export function counted(row: Row, traces: Outcome['traces']): Counted {
  const requests = total(row.turns.map(({ answered }) => answered));
  const scripted = scriptedIn(row, requests, traces);
  const sent = Object.entries(callsOf(row))
    .filter(([name]) => name !== HEARTBEAT)
    .map(([name, calls]) => [name, calls - (scripted[name] ?? 0)] as const)
    .filter(([, calls]) => Math.round(calls) > 0);
  const inside = Object.entries(scripted);
  const text = listed(sent, requests) || '0';
  return {
    requests,
    sent: total(sent.map(([, calls]) => calls)),
    text: inside.length === 0 ? text : `${text} (in it: ${listed(inside, requests)})`,
  };
}

/** Microseconds of Redis' own CPU time per request, asking it included. */
export function cpuPerRequest({ turns }: Row): string {
  return digits(total(turns.map(({ redis }) => redis?.cpuUs ?? 0)) / total(turns.map(({ answered }) => answered)));
}

/** Not judged: they are there to be seen. */
export function heartbeatsCheck(where: string, rows: readonly Row[]): Check {
  const beats = total(rows.map((row) => callsOf(row)[HEARTBEAT] ?? 0));
  return { what: `${where}: heartbeats (PING) in all turns, counted apart`, found: String(beats), ok: true };
}

function callsOf({ turns }: Row): Record<string, number> {
  const calls: Record<string, number> = {};
  for (const { redis } of turns) {
    for (const [name, count] of Object.entries(redis?.calls ?? {})) calls[name] = (calls[name] ?? 0) + count;
  }
  return calls;
}

/** What scripts will have run in so many requests, by what they ran when they were watched. */
function scriptedIn(row: Row, requests: number, traces: Outcome['traces']): Record<string, number> {
  const trace = traces[rowKey(row.name, row.route)];
  if (trace === undefined) return {};
  return Object.fromEntries(
    Object.entries(trace.scripted).map(([name, calls]) => [name, (calls / trace.requests) * requests]),
  );
}

function listed(calls: readonly (readonly [name: string, calls: number])[], requests: number): string {
  return calls.map(([name, count]) => `${name} ${perRequest(count / requests)}`).join(', ');
}

function perRequest(share: number): string {
  return share >= 0.9995 && share < 1.0005 ? '1' : share.toFixed(share < 0.1 ? 4 : 2).replace(/\.00$/, '');
}

function total(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
