/**
 * Sessions in Redis over HTTP: read cold (one trip), read hot (from the near cache), raise one field, no session; against
 * express-session + connect-redis, and floors written by hand. Beside each speed stands what Redis had to do for it: a library
 * can be quick and busy at once, because Redis works on another core. And how long a change stays unseen on another server.
 */
import { contest, LOAD_CORE, type Outcome } from '../http/contest.js';
import { FIELDS, type FieldName } from '../http/fields.js';
import type { Framework } from '../http/paths.js';
import { controlsOf, type Row, rowsOf, tableOf } from '../http/rows.js';
import type { Result } from '../support/result.js';
import { bytes } from './bytes.js';
import { goalsOf } from './goals.js';
import { startRedis } from './server.js';
import { staleness } from './staleness.js';
import { type Counted, counted, cpuPerRequest, heartbeatsCheck } from './work.js';

const PACE = { rounds: 6, turnMs: 750 };
const QUICK_PACE = { rounds: 3, turnMs: 400 };
const FRAMEWORKS: readonly Framework[] = ['node:http', 'Express 5'];

export async function redisPart(field: FieldName, quick: boolean): Promise<Result> {
  const { port, stop } = await startRedis(LOAD_CORE);
  const results: Result[] = [];
  for (const framework of FRAMEWORKS) {
    const outcome = await contest({ framework, field, redisPort: port }, quick ? QUICK_PACE : PACE);
    results.push(resultOf(field, framework, outcome));
  }
  await stop();
  results.push(await staleness(field, LOAD_CORE, quick));
  if (field === 'node-redis') results.push(await bytes(LOAD_CORE, quick));
  return {
    tables: results.flatMap(({ tables }) => tables),
    goals: results.flatMap(({ goals }) => goals),
    checks: results.flatMap(({ checks }) => checks),
  };
}

function resultOf(field: FieldName, framework: Framework, outcome: Outcome): Result {
  const title = `${framework}, ${field}`;
  const rows = rowsOf(outcome, FIELDS[field]);
  const controls = controlsOf(framework, title, rows);
  const doubt = controls.every(({ ok }) => ok) ? undefined : 'the controls of this run are off';
  const work = (row: Row): Counted => counted(row, outcome.traces);
  const table = tableOf(title, outcome, rows, [
    { title: 'commands per request', cell: (row) => work(row).text },
    { title: 'CPU of Redis, us', cell: cpuPerRequest },
  ]);
  return {
    tables: [table],
    goals: goalsOf({ framework, rows, work, doubt }),
    checks: [...controls, heartbeatsCheck(title, rows), ...outcome.checks],
  };
}
