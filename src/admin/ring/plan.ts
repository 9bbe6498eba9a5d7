/**
 * `sojourn ring plan`: the table that would follow, what would have to travel for it, and the least that could. Changes nothing;
 * with `--out` the next table is written to a file.
 *
 * Without a change, a list of nodes is planned as a new ring: that is how a first table comes into a file.
 */

import { isFailure } from '../../errors.js';
import { type Comparison, compareTables } from '../../ring/compare.js';
import type { RingPlan } from '../../ring/first-table.js';
import { nextTable } from '../../ring/next-table.js';
import { fingerprint, type RingTable, tableText } from '../../ring/table.js';
import { type Given, wrong } from '../arguments.js';
import { type Answer, type Command, isRefusal, type Refusal } from '../command.js';
import { type Line, table as rowsUnder, wrapped } from '../printer.js';
import { quoted } from '../visible.js';
import { type Appraisal, appraisalLines, appraise, counted, fixed, identityOf, percent } from './appraisal.js';
import { type Change, changed, changeOptions, changesGiven, said } from './changes.js';
import { writeNew } from './files.js';
import { shown } from './show.js';
import { copiesGiven, ringGiven, source } from './source.js';

export const plan: Command = {
  usage: '(--table FILE | --nodes LIST [--copies N]) [CHANGE...] [--out FILE] [--json]',
  summary: 'tells what a change of the ring would move; changes nothing',
  more: [
    'Changes may be combined, and a whole series be given at once. Without a change, --nodes is planned as a new ring.',
    'The minimum is what no planner could go below, given the weights, the zones and what is where.',
  ],
  options: {
    ...source,
    copies: { value: 'N', says: 'with --nodes: copies of the ring (default 1); with --table: a change to so many' },
    ...changeOptions,
    out: { value: 'FILE', says: 'writes the table to a new file; never replaces one' },
    json: { says: 'the same as JSON' },
  },
  examples: [
    'sojourn ring plan --nodes a=15,b=20,c=10 --copies 2 --out ring.json',
    'sojourn ring plan --table ring.json --add n4,weight=15 --drain a --out next.json',
  ],
  attention: 'a file cannot be read or written, the change cannot be, or the ring would need attention',
  run,
};

interface Step {
  readonly before: RingTable;
  readonly after: RingTable;
  readonly changes: readonly string[];
  readonly comparison: Comparison;
  readonly was: Appraisal;
  readonly becomes: Appraisal;
}

function run(given: Given): Answer | Refusal {
  const changes = changesGiven(given);
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
  const answer = isNew ? shown(found) : stepped(found, next, changes);
  const out = given.one('out');
  return withFile(answer, next.table, out);
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

/** Puts the table into a file, if one was named, and says so. */
function withFile(answer: Answer, table: RingTable, out: string | undefined): Answer | Refusal {
  const json = { ...(answer.json as object), out: out ?? null };
  const refusal = out === undefined ? undefined : writeNew('--out', out, tableText(table));
  if (refusal) return refusal;
  const last =
    out === undefined
      ? 'Nothing was changed or written. With --out FILE the table is written to a file.'
      : `The table is in ${quoted(out)}.`;
  return { ...answer, json, lines: (columns) => [...answer.lines(columns), '', [{ text: last, style: 'dim' }]] };
}

function stepped(from: RingPlan, to: RingPlan, changes: readonly Change[]): Answer {
  const [before, after] = [from.table, to.table];
  const ofCopies = after.copies === before.copies ? [] : [`keep ${counted(after.copies, 'copy', 'copies')}`];
  const step: Step = {
    before,
    after,
    changes: [...changes.map(said), ...ofCopies],
    comparison: compareTables(before, after),
    was: appraise(before, from.warnings),
    becomes: appraise(after, to.warnings),
  };
  return {
    lines: (columns) => linesOf(step, columns),
    json: documentOf(step),
    attention: step.becomes.attention.length > 0,
  };
}

function linesOf(step: Step, columns: number): Line[] {
  const { before, after, changes, comparison, was, becomes } = step;
  const { moved, minimum, ratio, newHomes } = comparison;
  return [
    ...wrapped(`Plan: ${changes.join(', ')}`, columns, '  ').map((text): Line => [{ text, style: 'strong' }]),
    [{ text: `epoch ${before.epoch}  fingerprint ${fingerprint(before)}`, style: 'dim' }],
    [{ text: `   to ${after.epoch}  fingerprint ${fingerprint(after)}`, style: 'dim' }],
    '',
    ...nodeLines(step),
    '',
    [
      'Copies that travel  ',
      { text: `${moved}`, style: 'strong' },
      ` of ${after.owners.entries.length} (${percent(moved, after.owners.entries.length)}), at least ${minimum}: `,
      { text: `${fixed(ratio, 3)} times the minimum`, style: ratio > 1.1 ? 'warn' : 'good' },
    ],
    `Slots with another home  ${newHomes}`,
    `Busiest survivor of a death  ${worstDeath(was)} before, ${worstDeath(becomes)} after (times its share)`,
    ...moveLines(comparison, columns),
    ...appraisalLines(becomes, columns),
  ];
}

function nodeLines({ before, after, was, becomes }: Step): Line[] {
  const names = [...new Set([...before.nodes, ...after.nodes].map(({ name }) => name))].sort();
  const right = true as const;
  const heads = [
    { title: 'node' },
    { title: 'weight', right },
    { title: 'copies', right },
    { title: 'then', right },
    { title: 'change', right },
    { title: 'ideal', right },
    { title: 'homes', right },
    { title: 'then', right },
  ];
  const rows = names.map((name): Line[] => {
    const [old, now] = [was, becomes].map(({ inspection }) => inspection.loads.find((load) => load.name === name));
    const [weighed, weighs] = [before, after].map(({ nodes }) => nodes.find((node) => node.name === name)?.weight);
    return [
      [{ text: name, style: 'strong' }],
      weightOf(weighed, weighs),
      old ? `${old.copies}` : '-',
      now ? `${now.copies}` : '-',
      difference((now?.copies ?? 0) - (old?.copies ?? 0)),
      now ? fixed(now.idealCopies, 1) : '-',
      old ? `${old.homes}` : '-',
      now ? `${now.homes}` : '-',
    ];
  });
  return rowsUnder(heads, rows);
}

function weightOf(before: number | undefined, after: number | undefined): Line {
  if (before === after) return `${after}`;
  if (before === undefined) return [{ text: `new ${after}`, style: 'good' }];
  return [{ text: after === undefined ? 'leaves' : `${before} to ${after}`, style: 'warn' }];
}

function difference(by: number): Line {
  if (by === 0) return '0';
  return by > 0 ? [{ text: `+${by}`, style: 'good' }] : [{ text: `${by}`, style: 'warn' }];
}

/** Of many ways, those with most on them. */
const MOST_MOVES = 12;
const MOST_BAR = 24;

function moveLines({ moves, moved }: Comparison, columns: number): Line[] {
  if (moves.length === 0) return [];
  const full = moves[0]!.slots;
  const width = Math.min(MOST_BAR, Math.max(8, columns - 60));
  const rows = moves
    .slice(0, MOST_MOVES)
    .map(({ from, to, slots }): Line[] => [
      from,
      [{ text: to, style: 'strong' }],
      `${slots}`,
      percent(slots, moved),
      [{ text: '━'.repeat(Math.max(1, Math.round((slots / full) * width))), style: 'good' }],
    ]);
  const heads = [
    { title: 'from' },
    { title: 'to' },
    { title: 'copies', right: true as const },
    { title: 'of all', right: true as const },
    { title: '' },
  ];
  const rest = moves.slice(MOST_MOVES);
  const others = rest.reduce((sum, { slots }) => sum + slots, 0);
  return [
    '',
    ...rowsUnder(heads, rows),
    ...(rest.length > 0
      ? [[{ text: `and ${others} on ${counted(rest.length, 'other way')}`, style: 'dim' } as const]]
      : []),
  ];
}

function worstDeath({ inspection: { deaths } }: Appraisal): string {
  return deaths.length === 0 ? 'none' : fixed(Math.max(...deaths.map(({ load }) => load)), 3);
}

function documentOf({ before, after, changes, comparison, was, becomes }: Step): unknown {
  const { loads, ...rest } = becomes.inspection;
  return {
    changes,
    before: { ...identityOf(before), nodes: before.nodes.map((node, n) => ({ ...node, ...was.inspection.loads[n] })) },
    after: { ...identityOf(after), nodes: after.nodes.map((node, n) => ({ ...node, ...loads[n] })), ...rest },
    ...comparison,
    attention: becomes.attention,
    notes: becomes.notes,
  };
}
