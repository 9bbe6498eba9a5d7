/**
 * One step of a ring: the table before and the one after, what would travel between them, and what a death would do to each.
 *
 * Tables alone say how many slots that is. A ring that runs has counted its sessions as well, and then they stand beside: both in
 * one form, so that a plan made in advance and the one that is applied can be compared line by line.
 */
import type { ResizePlan } from '../../layers/ring/change.js';
import { type Comparison, compareTables } from '../../ring/compare.js';
import type { RingPlan } from '../../ring/first-table.js';
import { fingerprint, type RingTable } from '../../ring/table.js';
import type { Answer } from '../command.js';
import { type Line, table as rowsUnder, wrapped } from '../printer.js';
import { type Appraisal, appraisalLines, appraise, counted, fixed, identityOf, percent } from './appraisal.js';
import { bytesInWords, grouped, lasting } from './progress.js';

/** What was counted on the nodes. */
export type Counts = Pick<ResizePlan, 'sessions' | 'bytes' | 'estimatedMs' | 'moves' | 'uncounted'>;

interface Step {
  readonly before: RingTable;
  readonly after: RingTable;
  readonly changes: readonly string[];
  readonly comparison: Comparison;
  readonly was: Appraisal;
  readonly becomes: Appraisal;
  readonly counts: Counts | undefined;
}

export function stepped(from: RingPlan, to: RingPlan, changes: readonly string[], counts?: Counts): Answer {
  const [before, after] = [from.table, to.table];
  const ofCopies = after.copies === before.copies ? [] : [`keep ${counted(after.copies, 'copy', 'copies')}`];
  const step: Step = {
    before,
    after,
    changes: [...changes, ...ofCopies],
    comparison: compareTables(before, after),
    was: appraise(before, from.warnings),
    becomes: appraise(after, to.warnings),
    counts,
  };
  return {
    lines: (columns) => linesOf(step, columns),
    json: documentOf(step),
    attention: step.becomes.attention.length > 0,
  };
}

function linesOf(step: Step, columns: number): Line[] {
  const { before, after, changes, comparison, was, becomes, counts } = step;
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
    ...(counts ? countLines(counts, comparison, columns) : []),
    `Slots with another home  ${newHomes}`,
    `Busiest survivor of a death  ${worstDeath(was)} before, ${worstDeath(becomes)} after (times its share)`,
    ...moveLines(comparison, counts, columns),
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

/** Sessions and bytes beside the fewest, and how long they take. */
function countLines(
  { sessions, bytes, estimatedMs, uncounted }: Counts,
  { moved, minimum }: Comparison,
  columns: number,
): Line[] {
  const least = moved === 0 ? 0 : Math.round((sessions * minimum) / moved);
  const away =
    uncounted.length === 0 ? [] : wrapped(`Not counted, for they do not answer: ${uncounted.join(', ')}.`, columns);
  return [
    [
      'Sessions that travel  ',
      { text: grouped(sessions), style: 'strong' },
      ` (${bytesInWords(bytes)}), at least ${grouped(least)}`,
    ],
    `Estimated time  ${lasting(estimatedMs)}, longer where requests would suffer`,
    ...away.map((text): Line => [{ text, style: 'warn' }]),
  ];
}

function moveLines({ moves, moved }: Comparison, counts: Counts | undefined, columns: number): Line[] {
  if (moves.length === 0) return [];
  const full = moves[0]!.slots;
  const width = Math.min(MOST_BAR, Math.max(8, columns - (counts ? 76 : 60)));
  const rows = moves
    .slice(0, MOST_MOVES)
    .map(({ from, to, slots }): Line[] => [
      from,
      [{ text: to, style: 'strong' }],
      `${slots}`,
      percent(slots, moved),
      ...countCells(from, to, counts),
      [{ text: '━'.repeat(Math.max(1, Math.round((slots / full) * width))), style: 'good' }],
    ]);
  const heads = [
    { title: 'from' },
    { title: 'to' },
    { title: 'copies', right: true as const },
    { title: 'of all', right: true as const },
    ...(counts ? COUNT_HEADS : []),
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

const COUNT_HEADS = [
  { title: 'sessions', right: true },
  { title: 'bytes', right: true },
] as const;

function countCells(from: string, to: string, counts: Counts | undefined): Line[] {
  if (!counts) return [];
  const move = counts.moves.find((one) => one.from === from && one.to === to);
  return [grouped(move?.sessions ?? 0), bytesInWords(move?.bytes ?? 0)];
}

function worstDeath({ inspection: { deaths } }: Appraisal): string {
  return deaths.length === 0 ? 'none' : fixed(Math.max(...deaths.map(({ load }) => load)), 3);
}

function documentOf({ before, after, changes, comparison, was, becomes, counts }: Step): unknown {
  const { loads, ...rest } = becomes.inspection;
  return {
    changes,
    before: { ...identityOf(before), nodes: before.nodes.map((node, n) => ({ ...node, ...was.inspection.loads[n] })) },
    after: { ...identityOf(after), nodes: after.nodes.map((node, n) => ({ ...node, ...loads[n] })), ...rest },
    ...comparison,
    ...counts,
    attention: becomes.attention,
    notes: becomes.notes,
  };
}
