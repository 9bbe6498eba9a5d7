/**
 * What an operator should know about a table, in sentences: what needs attention, and what is only worth a note.
 *
 * Attention is for what endangers sessions or spoils the spread: fewer copies than were asked for, copies of one slot in one
 * zone, a node with more than its share. A weight that cannot be followed to the letter is a note: somebody chose those
 * weights, and a script that fails every night because of them would soon be ignored.
 */
import { type Inspection, inspectTable } from '../../ring/compare.js';
import { SLOTS } from '../../ring/nodes.js';
import type { Warning } from '../../ring/quota.js';
import { fingerprint, type RingTable } from '../../ring/table.js';
import { type Line, wrapped } from '../printer.js';

export interface Appraisal {
  readonly inspection: Inspection;
  readonly attention: readonly string[];
  readonly notes: readonly string[];
}

const DANGERS: readonly Warning['kind'][] = ['fewNodes', 'fewZones'];
/** Our own tables are within a slot or two, and within 0.25 % at a hundred nodes. */
const MOST_OVER = 1.01;
const MOST_SLOTS_OVER = 2;

export function appraise(table: RingTable, warnings: readonly Warning[]): Appraisal {
  const inspection = inspectTable(table);
  const messages = (dangers: boolean): string[] =>
    warnings.filter(({ kind }) => DANGERS.includes(kind) === dangers).map(({ message }) => message);
  const { zoneViolations, loads } = inspection;
  const crowded = `${zoneViolations} of ${SLOTS} slots have more copies in one zone than need be. Plan any change, and they are spread.`;
  const heavy = loads
    .filter(({ copies, idealCopies }) => copies > idealCopies * MOST_OVER && copies > idealCopies + MOST_SLOTS_OVER)
    .map(
      ({ name, copies, idealCopies }) =>
        `Node ${name} holds ${copies} copies, and its share is ${fixed(idealCopies, 1)}.`,
    );
  return {
    inspection,
    attention: [...messages(true), ...(zoneViolations > 0 ? [crowded] : []), ...heavy],
    notes: messages(false),
  };
}

/** The sentences of an appraisal, those that need attention first. */
export function appraisalLines({ attention, notes }: Pick<Appraisal, 'attention' | 'notes'>, columns: number): Line[] {
  const said = (mark: string, style: 'bad' | 'warn', texts: readonly string[]): Line[] =>
    texts.flatMap((text) => wrapped(`${mark} ${text}`, columns, '  ').map((line): Line => [{ text: line, style }]));
  const lines = [...said('!', 'bad', attention), ...said('-', 'warn', notes)];
  return lines.length === 0 ? [] : ['', ...lines];
}

/** What each document for scripts says about the table it is about. */
export function identityOf(table: RingTable): Readonly<Record<string, unknown>> {
  const { epoch, copies, routing, owners } = table;
  return { epoch, fingerprint: fingerprint(table), copies, owners: owners.width, routing };
}

export function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : 'unbounded';
}

export function percent(part: number, whole: number): string {
  return `${fixed(whole === 0 ? 0 : (100 * part) / whole, 1)} %`;
}

/** `1 node`, `3 nodes`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
