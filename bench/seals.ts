/**
 * Sessions in the cookie: what sealing and opening one costs, in process and over HTTP, beside the libraries that do the same.
 *
 * In process the parts alone: the session of the sample (ten fields, 1 KB) into a token and back, with everything that each library
 * does for it, from values to text. cookie-session has no functions for that. Over HTTP all of them meet, in the same contest as
 * stores do (bench/http.ts); the functions of @fastify/secure-session are called there as its hooks call them, without Fastify.
 */
import { sealData, unsealData } from 'iron-session';
import { encrypted, type Sealer, signed } from 'sojourn';
import { contest, type Outcome } from './http/contest.js';
import { secureSessionApp } from './http/cookie-entrants.js';
import { FIELDS } from './http/fields.js';
import type { Framework } from './http/paths.js';
import { controlsOf, find, type Row, rowsOf, tableOf } from './http/rows.js';
import { sealedVisits } from './seals/visits.js';
import { digits, figure, isSteady, percent, range } from './support/figures.js';
import { answer } from './support/processes.js';
import { type Goal, judge, type Result } from './support/result.js';
import { type Case, inTurns, measure } from './support/rounds.js';
import { SAMPLE_BYTES, sample } from './support/sample.js';

const PACE = { rounds: 6, turnMs: 750 };
const QUICK_PACE = { rounds: 3, turnMs: 400 };
const IN_PROCESS = { rounds: 24, turnMs: 100 };
const QUICK_IN_PROCESS = { rounds: 5, turnMs: 50 };
const FIELD = 'in the cookie';
const FRAMEWORKS: readonly Framework[] = ['node:http', 'Express 5'];
const SECRET = 'a secret that only this benchmark knows, and long enough';

answer(async ({ quick }: { quick: boolean }): Promise<Result> => {
  const results = [await inProcess(quick)];
  for (const framework of FRAMEWORKS)
    results.push(overHttp(framework, await contest({ framework, field: FIELD }, quick ? QUICK_PACE : PACE)));
  return {
    tables: results.flatMap(({ tables }) => tables),
    goals: results.flatMap(({ goals }) => goals),
    checks: results.flatMap(({ checks }) => checks),
  };
});

async function inProcess(quick: boolean): Promise<Result> {
  const cases = [
    ...seal('encrypted', encrypted({ keys: [SECRET] })),
    ...seal('signed', signed({ keys: [SECRET] })),
    ...(await sealedVisits('encrypted', encrypted({ keys: [SECRET] }))),
    ...(await sealedVisits('signed', signed({ keys: [SECRET] }))),
    ...(await secureSession()),
    ...(await ironSession()),
  ];
  const samples = await measure(cases, quick ? QUICK_IN_PROCESS : IN_PROCESS);
  const rows = [...samples].map(([name, values]) => {
    const cost = figure(values);
    const remark = isSteady(cost) ? '' : `noisy: rounds spread ${percent(cost.spread)}`;
    return [name, digits(cost.quiet), `${digits(cost.median)} (${range(cost)})`, remark];
  });
  const goal = (name: string, limit: number): Goal => {
    const cost = figure(samples.get(name)!);
    return judge({ what: `in process: ${name}, 1 KB`, bound: 'at most', limit, unit: 'us' }, cost.quiet, cost);
  };
  return {
    tables: [
      {
        title: 'Sealing in process: CPU per operation (ten fields, 1 KB)',
        columns: ['what', 'CPU, us (quiet)', 'median (min..max)', 'remark'],
        rows,
      },
    ],
    goals: [goal('encrypted: open', 6), goal('encrypted: seal', 9)],
    checks: [],
  };
}

/** Bytes as long as the session into a token, and back. */
function seal(name: string, sealer: Sealer): Case[] {
  const content = Buffer.alloc(SAMPLE_BYTES, JSON.stringify(sample()));
  const token = Buffer.from(sealer.seal(content, '__Host-sid')).toString('latin1');
  return [
    { name: `${name}: open`, run: (times) => inTurns(times, () => sealer.unseal(token, '__Host-sid')) },
    { name: `${name}: seal`, run: (times) => inTurns(times, () => sealer.seal(content, '__Host-sid')) },
  ];
}

async function secureSession(): Promise<Case[]> {
  const app = await secureSessionApp();
  const begun = app.createSecureSession(sample());
  const token = app.encodeSecureSession(begun);
  return [
    {
      name: '@fastify/secure-session: open',
      run: (times) => inTurns(times, () => app.decodeSecureSession(token)?.get('name' as never)),
    },
    {
      name: '@fastify/secure-session: seal',
      run: (times) => inTurns(times, () => app.encodeSecureSession(begun)),
    },
  ];
}

async function ironSession(): Promise<Case[]> {
  const password = SECRET;
  const token = await sealData(sample(), { password });
  return [
    { name: 'iron-session: open', run: (times) => oneByOne(times, () => unsealData(token, { password })) },
    { name: 'iron-session: seal', run: (times) => oneByOne(times, () => sealData(sample(), { password })) },
  ];
}

async function oneByOne(times: number, work: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < times; i++) await work();
}

function overHttp(framework: Framework, outcome: Outcome): Result {
  const rows = rowsOf(outcome, FIELDS[FIELD]);
  const controls = controlsOf(framework, `${framework}, in the cookie`, rows);
  const doubt = controls.every(({ ok }) => ok) ? undefined : 'the controls of this run are off';
  return {
    tables: [tableOf(`${framework}, sessions in the cookie`, outcome, rows)],
    goals: goalsOf(framework, rows, doubt),
    checks: [...controls, ...outcome.checks],
  };
}

function goalsOf(framework: Framework, rows: readonly Row[], doubt: string | undefined): Goal[] {
  const read = find(rows, 'sojourn, encrypted', 'read');
  const what = `${framework}: a read of an encrypted cookie`;
  if (framework !== 'node:http')
    return [
      judge(
        { what: `${what}, CPU ratio to bare`, bound: 'at least', limit: 0.75, unit: '' },
        read.ratio,
        read.pairs,
        doubt,
      ),
    ];
  const iron = find(rows, 'iron-session', 'read');
  const times = read.pairs.median / iron.pairs.median;
  return [
    judge(
      { what: `${what}, requests/s over iron-session's`, bound: 'at least', limit: 6, unit: 'times' },
      times,
      read.pairs,
      doubt,
    ),
  ];
}
