/**
 * `sojourn ring show`: a table as people see it. Who holds how much beside what it should hold, and what a death would do.
 *
 * The same figures as lines, as JSON and as a picture. Of deaths only the worst are listed: what nobody would feel is no news, and
 * `simulate` tells any one of them in full.
 */
import type { Inspection } from '../../ring/compare.js';
import type { RingPlan } from '../../ring/first-table.js';
import { fingerprint, type RingTable } from '../../ring/table.js';
import type { Given } from '../arguments.js';
import { type Answer, type Command, isRefusal, type Refusal } from '../command.js';
import { bar, type Line, table as rowsUnder, widthOf, wrapped } from '../printer.js';
import { type Appraisal, appraisalLines, appraise, counted, fixed, identityOf, percent } from './appraisal.js';
import { picture } from './picture.js';
import { refuseCopies, ringGiven, source } from './source.js';

export const show: Command = {
  usage: '(--table FILE | --nodes LIST [--copies N]) [--json | --svg]',
  summary: 'shows a ring: who holds how much, and what the death of a node would do',
  more: [
    'A copy is one slot on one node; each of the 16384 slots has as many as the ring keeps. The home of a slot is the node that is asked first. The mark in a bar is where it should end.',
  ],
  options: {
    ...source,
    json: { says: 'the same as JSON' },
    svg: { says: 'the same as a picture: sojourn ring show --table table.json --svg > ring.svg' },
  },
  examples: ['sojourn ring show --nodes a=15,b=20,c=10 --copies 2', 'sojourn ring show --table table.json --json'],
  attention: 'the file cannot be read, or the ring needs attention (lines that begin with !)',
  run,
};

function run(given: Given): Answer | Refusal {
  refuseCopies(given);
  const found = ringGiven(given);
  return isRefusal(found) ? found : shown(found, given.has('svg'));
}

/** The answer that shows a table. */
export function shown({ table, warnings }: RingPlan, asPicture = false): Answer {
  const appraisal = appraise(table, warnings);
  return {
    lines: (columns) => linesOf(table, appraisal, columns),
    json: documentOf(table, appraisal),
    attention: appraisal.attention.length > 0,
    ...(asPicture ? { document: picture(table, appraisal.inspection) } : {}),
  };
}

/** Title and fingerprint of a table. */
export function titleLines(table: RingTable): Line[] {
  const { nodes, copies, epoch, owners } = table;
  const kept = owners.width === copies ? '' : ` (${owners.width} for now)`;
  return [
    [
      {
        text: `Ring of ${counted(nodes.length, 'node')}, ${counted(copies, 'copy', 'copies')}${kept}`,
        style: 'strong',
      },
      `  epoch ${epoch}`,
    ],
    [{ text: `fingerprint ${fingerprint(table)}`, style: 'dim' }],
  ];
}

function linesOf(table: RingTable, appraisal: Appraisal, columns: number): Line[] {
  const { inspection } = appraisal;
  return [
    ...titleLines(table),
    '',
    ...loadLines(table, inspection, columns),
    '',
    `Most over its share: copies ${fixed(inspection.worstCopies, 4)}, homes ${fixed(inspection.worstHomes, 4)}`,
    ...deathLines(inspection, columns),
    ...appraisalLines(appraisal, columns),
  ];
}

const MOST_BAR = 32;
const LEAST_BAR = 10;

function loadLines({ nodes, owners }: RingTable, { loads }: Inspection, columns: number): Line[] {
  const zoned = nodes.some(({ zone }) => zone !== null);
  const total = loads.reduce((sum, { idealCopies }) => sum + idealCopies, 0);
  const full = Math.max(...loads.flatMap(({ copies, idealCopies }) => [copies, idealCopies]));
  const row = (n: number, width: number): Line[] => {
    const [{ name, weight, zone, state }, load] = [nodes[n]!, loads[n]!];
    return [
      [{ text: name, style: 'strong' }],
      ...(zoned ? [zone ?? ''] : []),
      state === 'draining' ? [{ text: 'drained', style: 'warn' }] : `${weight}`,
      percent(load.copies, total),
      `${load.copies}`,
      fixed(load.idealCopies, 1),
      ...(owners.width > 1 ? [`${load.homes}`, fixed(load.idealHomes, 1)] : []),
      width === 0 ? '' : bar(load.copies, load.idealCopies, full, width),
    ];
  };
  const heads = [
    { title: 'node' },
    ...(zoned ? [{ title: 'zone' }] : []),
    { title: 'weight', right: true as const },
    { title: 'share', right: true as const },
    { title: 'copies', right: true as const },
    { title: 'ideal', right: true as const },
    ...(owners.width > 1
      ? [
          { title: 'homes', right: true as const },
          { title: 'ideal', right: true as const },
        ]
      : []),
    { title: '' },
  ];
  const taken = Math.max(
    ...rowsUnder(
      heads,
      nodes.map((_, n) => row(n, 0)),
    ).map(widthOf),
  );
  const width = Math.max(LEAST_BAR, Math.min(MOST_BAR, columns - taken - 1));
  return rowsUnder(
    heads,
    nodes.map((_, n) => row(n, width)),
  );
}

/** Of many nodes, those whose deaths would be felt most. */
const MOST_DEATHS = 8;
/** From six nodes of alike weights on, no survivor has more (docs/decisions/0013). */
const MOST_LOAD = 1.1;

function deathLines({ deaths }: Inspection, columns: number): Line[] {
  if (deaths.length === 0) {
    const text =
      'One copy: while a node is away, so are its sessions; what it lost is lost. Two copies outlive a death.';
    return wrapped(text, columns);
  }
  const felt = deaths.toSorted((a, b) => b.load - a.load || (a.name < b.name ? -1 : 1));
  const rows = felt
    .slice(0, MOST_DEATHS)
    .map(({ name, busiest, load, bound }): Line[] => [
      [{ text: name, style: 'strong' }],
      busiest,
      [{ text: fixed(load, 3), style: load > MOST_LOAD ? 'warn' : 'good' }],
      fixed(bound, 3),
    ]);
  const heads = [
    { title: 'if it died' },
    { title: 'busiest survivor' },
    { title: 'homes over its share', right: true as const },
    { title: 'at best', right: true as const },
  ];
  const rest = deaths.length - MOST_DEATHS;
  return [
    '',
    ...rowsUnder(heads, rows),
    ...(rest > 0 ? [[{ text: `and ${rest} more, felt less`, style: 'dim' } as const]] : []),
  ];
}

function documentOf(table: RingTable, { inspection, attention, notes }: Appraisal): unknown {
  const { loads, ...rest } = inspection;
  return {
    ...identityOf(table),
    nodes: table.nodes.map((node, n) => ({ ...node, ...loads[n] })),
    ...rest,
    attention,
    notes,
  };
}
