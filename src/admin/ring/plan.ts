/**
 * `sojourn ring plan`: the table that would follow, what would have to travel for it, and the least that could. Changes nothing;
 * with `--out` it is written to a file.
 *
 * Of a table in a file, or of a list of nodes, it is arithmetic, and the file is the next table. Of a ring that runs (`--ring`) it also
 * counts sessions, and the file is a plan for `ring apply`. Without a change, a list of nodes is planned as a new ring: that is how a first
 * table comes into a file.
 */
import { isFailure } from '../../errors.js';
import type { RingChange } from '../../layers/ring/change.js';
import type { RingPlan } from '../../ring/first-table.js';
import { nextTable } from '../../ring/next-table.js';
import { quotas } from '../../ring/quota.js';
import { type RingTable, readTable, tableText } from '../../ring/table.js';
import { type Given, wrong } from '../arguments.js';
import { type Answer, type Command, isRefusal, type Refusal } from '../command.js';
import { quoted } from '../visible.js';
import { counted } from './appraisal.js';
import { type Change, changed, changeOptions, changesGiven, said } from './changes.js';
import { writeNew } from './files.js';
import { withRing } from './live.js';
import { problemOf } from './node-list.js';
import { isLive, liveSource } from './servers.js';
import { shown } from './show.js';
import { copiesGiven, ringGiven, source } from './source.js';
import { stepped } from './step.js';

export const plan: Command = {
  usage: '(--table FILE | --nodes LIST [--copies N] | --ring FILE | --node NODE...) [CHANGE...] [--out FILE] [--json]',
  summary: 'tells what a change of the ring would move; changes nothing',
  more: [
    'With --ring or --node it asks a ring that runs, and counts the sessions and bytes that would travel; --out then writes a plan for ring apply.',
    'Changes may be combined, and a whole series be given at once. Without a change, --nodes is planned as a new ring.',
    'The minimum is what no planner could go below, given the weights, the zones and what is where.',
  ],
  options: {
    ...source,
    ring: liveSource.ring,
    node: liveSource.node,
    prefix: liveSource.prefix,
    copies: { value: 'N', says: 'with --nodes: copies of the ring (default 1); otherwise: a change to so many' },
    ...changeOptions,
    out: { value: 'FILE', says: 'writes the table, or the plan, to a new file; never replaces one' },
    json: { says: 'the same as JSON' },
  },
  examples: [
    'sojourn ring plan --nodes a=15,b=20,c=10 --copies 2 --out table.json',
    'sojourn ring plan --table table.json --add n4,weight=15 --drain a --out next.json',
    'sojourn ring plan --ring ring.json --add n4,weight=15 --drain a --out plan.json',
  ],
  attention: 'a file cannot be read or written, the change cannot be, or the ring would need attention',
  run,
};

function run(given: Given): Answer | Refusal | Promise<Answer | Refusal> {
  const changes = changesGiven(given);
  if (isLive(given)) return livePlan(given, changes);
  const copies = given.has('table') ? copiesGiven(given) : undefined;
  const found = ringGiven(given);
  if (isRefusal(found)) return found;
  const isNew = changes.length === 0 && copies === undefined;
  if (isNew && given.has('table'))
    throw wrong(
      'CHANGE',
      'is missing: give --add, --remove, --weight, --drain or --copies; to look at a table, use ring show',
    );
  const next = isNew ? found : planned(found.table, changes, copies);
  if (isRefusal(next)) return next;
  const answer = isNew ? shown(found) : stepped(found, next, changes.map(said));
  const out = given.one('out');
  return withFile(answer, tableText(next.table), 'table', out);
}

function planned(before: RingTable, changes: readonly Change[], copies: number | undefined): RingPlan | Refusal {
  if (copies === before.copies)
    return { refused: `--copies: the ring has ${counted(copies, 'copy', 'copies')} already, so nothing would change` };
  const specs = changed(before.nodes, changes);
  if (isRefusal(specs)) return specs;
  try {
    return nextTable(before, specs, copies === undefined ? {} : { copies });
  } catch (error) {
    if (!isFailure(error, 'SOJOURN_OPTION')) throw error;
    return { refused: `After this change the ${error.details.option} ${error.details.wanted}` };
  }
}

/** Of a ring that runs. */
function livePlan(given: Given, changes: readonly Change[]): Promise<Answer | Refusal> {
  const copies = copiesGiven(given);
  if (changes.length === 0 && copies === undefined)
    throw wrong(
      'CHANGE',
      'is missing: give --add, --remove, --weight, --drain or --copies; to look at a ring, use ring status',
    );
  return withRing(given, async ({ store }) => {
    try {
      const own = await store.plan(changeOf(changes, copies));
      const [before, after] = [readTable(own.before), readTable(own.after)];
      const was = { table: before, warnings: quotas(before.nodes, before.copies).warnings };
      const answer = stepped(was, { table: after, warnings: own.warnings }, changes.map(said), own);
      return withFile(answer, `${JSON.stringify(own)}\n`, 'plan', given.one('out'));
    } catch (error) {
      if (!isFailure(error, 'SOJOURN_OPTION')) throw error;
      return { refused: problemOf(error.details) };
    }
  });
}

function changeOf(changes: readonly Change[], copies: number | undefined): RingChange {
  return {
    add: changes.flatMap((change) => (change.kind === 'add' ? change.spec : [])),
    remove: changes.flatMap(({ kind, name }) => (kind === 'remove' ? name : [])),
    weights: Object.fromEntries(
      changes.flatMap((change) => ('weight' in change ? [[change.name, change.weight]] : [])),
    ),
    ...(copies !== undefined && { copies }),
  };
}

/** Puts the table, or the plan, into a file, if one was named, and says so. */
function withFile(answer: Answer, text: string, what: 'table' | 'plan', out: string | undefined): Answer | Refusal {
  const json = { ...(answer.json as object), out: out ?? null };
  const refusal = out === undefined ? undefined : writeNew('--out', out, text);
  if (refusal) return refusal;
  const last =
    out === undefined
      ? `Nothing was changed or written. With --out FILE the ${what} is written to a file.`
      : `The ${what} is in ${quoted(out)}.`;
  return { ...answer, json, lines: (columns) => [...answer.lines(columns), '', [{ text: last, style: 'dim' }]] };
}
