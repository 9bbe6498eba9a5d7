/**
 * `sojourn ring simulate --kill n2`: who would serve what if nodes died now, and what would be out of reach. Changes nothing.
 *
 * The figures of ring show are those of one death each. This counts slot by slot, so it takes any number of deaths at once:
 * a whole zone, or a second node before the first is back.
 */
import { SLOTS } from '../../ring/nodes.js';
import type { RingTable } from '../../ring/table.js';
import { type Given, wrong } from '../arguments.js';
import { type Answer, type Command, isRefusal, type Refusal } from '../command.js';
import { bar, type Line, table as rowsUnder, type Span, wrapped } from '../printer.js';
import { counted, fixed, identityOf, percent } from './appraisal.js';
import { absent } from './changes.js';
import { checkedName } from './node-list.js';
import { titleLines } from './show.js';
import { refuseCopies, ringGiven, source } from './source.js';

export const simulate: Command = {
  usage: '--kill NAME... (--table FILE | --nodes LIST [--copies N]) [--json]',
  summary: 'tells who would serve what if nodes died; changes nothing',
  more: [
    'The load of a survivor is the slots that it would serve as home, over its share by weight among the survivors.',
  ],
  options: {
    ...source,
    kill: { value: 'NAME', many: true, says: 'a node that dies; several at once by several --kill' },
    json: { says: 'the same as JSON' },
  },
  examples: [
    'sojourn ring simulate --kill b --nodes a=15,b=20,c=10 --copies 2',
    'sojourn ring simulate --kill n1 --kill n2 --table table.json',
  ],
  attention: 'a file cannot be read, there is no such node, or slots would have no node left',
  run,
};

interface Survivor {
  readonly name: string;
  readonly homesBefore: number;
  readonly homesAfter: number;
  /** Its share by weight among the survivors. */
  readonly ideal: number;
  /** `homesAfter / ideal`; null for a node that is to have none. */
  readonly load: number | null;
}

interface Aftermath {
  readonly killed: readonly string[];
  readonly survivors: readonly Survivor[];
  /** Slots by how many of their copies are left: the first number is of those with none. */
  readonly slotsByCopies: readonly number[];
}

function run(given: Given): Answer | Refusal {
  refuseCopies(given);
  const names = [...new Set(given.all('kill').map((text) => checkedName('--kill', 'name', text)))];
  if (names.length === 0) throw wrong('--kill', 'is missing: name the node that dies, like --kill n2');
  const found = ringGiven(given);
  if (isRefusal(found)) return found;
  const { table } = found;
  const stranger = names.find((name) => !table.nodes.some((node) => node.name === name));
  if (stranger !== undefined) return { refused: absent('--kill', stranger, table.nodes) };
  const aftermath = aftermathOf(table, names);
  return {
    lines: (columns) => linesOf(table, aftermath, columns),
    json: { ...identityOf(table), ...aftermath },
    attention: aftermath.slotsByCopies[0]! > 0,
  };
}

function aftermathOf({ nodes, owners: { width, entries } }: RingTable, killed: readonly string[]): Aftermath {
  const lives = nodes.map(({ name }) => !killed.includes(name));
  const before = nodes.map(() => 0);
  const after = nodes.map(() => 0);
  const slotsByCopies = new Array<number>(width + 1).fill(0);
  for (let begin = 0; begin < entries.length; begin += width) {
    const left = entries.subarray(begin, begin + width).filter((node) => lives[node]);
    before[entries[begin]!]!++;
    if (left.length > 0) after[left[0]!]!++;
    slotsByCopies[left.length]!++;
  }
  const weight = nodes.reduce((sum, node, n) => sum + (lives[n] ? node.weight : 0), 0);
  const served = SLOTS - slotsByCopies[0]!;
  const survivors = nodes.flatMap((node, n) => {
    if (!lives[n]) return [];
    const ideal = weight === 0 ? 0 : (served * node.weight) / weight;
    const load = ideal === 0 ? null : after[n]! / ideal;
    return { name: node.name, homesBefore: before[n]!, homesAfter: after[n]!, ideal, load };
  });
  return { killed, survivors, slotsByCopies };
}

const MOST_BAR = 28;

function linesOf(table: RingTable, { killed, survivors, slotsByCopies }: Aftermath, columns: number): Line[] {
  const full = Math.max(1, ...survivors.flatMap(({ homesAfter, ideal }) => [homesAfter, ideal]));
  const width = Math.max(10, Math.min(MOST_BAR, columns - 60));
  const rows = survivors.map(({ name, homesBefore, homesAfter, ideal, load }): Line[] => [
    [{ text: name, style: 'strong' }],
    `${homesBefore}`,
    `${homesAfter}`,
    homesBefore === 0 ? '-' : `+${percent(homesAfter - homesBefore, homesBefore)}`,
    fixed(ideal, 1),
    load === null ? '-' : fixed(load, 3),
    bar(homesAfter, ideal, full, width),
  ]);
  const right = true as const;
  const heads = [
    { title: 'survivor' },
    { title: 'homes', right },
    { title: 'then', right },
    { title: 'more', right },
    { title: 'share', right },
    { title: 'load', right },
    { title: '' },
  ];
  return [
    ...titleLines(table),
    '',
    ...wrapped(`If ${killed.join(', ')} died`, columns, '  ').map((text): Line => [{ text, style: 'strong' }]),
    '',
    ...rowsUnder(heads, rows),
    '',
    ...slotsByCopies.flatMap((slots, copies) => (slots === 0 ? [] : [leftLine(slots, copies, table.owners.width)])),
  ];
}

function leftLine(slots: number, copies: number, width: number): Line {
  const part: Span = `${slots} of ${SLOTS} slots (${percent(slots, SLOTS)}) `;
  if (copies === 0) return [{ text: `! ${part}have no node left: their sessions are out of reach`, style: 'bad' }];
  if (copies === width)
    return [part, { text: copies === 1 ? 'keep their copy' : 'keep all their copies', style: 'good' }];
  return [part, { text: `are down to ${counted(copies, 'copy', 'copies')}`, style: 'warn' }];
}
