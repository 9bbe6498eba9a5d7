/**
 * Which ring a command is about: the table in a file, or the first table of a list of nodes.
 *
 * Both ways are the same to the commands, but for the file's own faults: those are refusals that name the file. A table is read
 * strictly, as every process of a ring would read it: what this tool let pass, they would refuse.
 */
import { isFailure } from '../../errors.js';
import { firstTable, type RingPlan } from '../../ring/first-table.js';
import { MAX_COPIES } from '../../ring/nodes.js';
import { quotas } from '../../ring/quota.js';
import { readTable } from '../../ring/table.js';
import { type Given, type OptionRule, wholeFrom, wrong } from '../arguments.js';
import type { Refusal } from '../command.js';
import { quoted } from '../visible.js';
import { textOf } from './files.js';
import { nodesFrom } from './node-list.js';

/** The options that name a ring. */
export const source: Readonly<Record<'table' | 'nodes' | 'copies', OptionRule>> = {
  table: { value: 'FILE', says: 'the table of a ring, as plan --out has written it' },
  nodes: { value: 'LIST', says: 'instead: the nodes of a new ring, a=15,b=20 or a=15@east,b=20@west, or a JSON file' },
  copies: { value: 'N', says: 'with --nodes: how many nodes hold each session, 1 to 5 (default 1)' },
};

/** The table that was named, with what its nodes cannot have of what their weights ask for. */
export function ringGiven(given: Given): RingPlan | Refusal {
  const [path, nodes] = [given.one('table'), given.one('nodes')];
  if (path !== undefined && nodes !== undefined)
    throw wrong('--nodes', 'does not go with --table; give one of the two');
  if (path !== undefined) return tableIn(path);
  if (nodes === undefined)
    throw wrong('--table', 'is missing: name a ring by --table FILE, or by --nodes a=15,b=20 --copies 2');
  const copies = copiesGiven(given) ?? 1;
  const specs = nodesFrom('--nodes', nodes);
  return 'refused' in specs ? specs : firstTable(specs, { copies });
}

export function copiesGiven(given: Given): number | undefined {
  const text = given.one('copies');
  return text === undefined ? undefined : wholeFrom('--copies', text, 1, MAX_COPIES);
}

/** For commands that show a table as it is: how many copies it has is written in it. */
export function refuseCopies(given: Given): void {
  if (given.has('table') && given.has('copies'))
    throw wrong('--copies', 'goes with --nodes; a table says by itself how many copies it has');
}

function tableIn(path: string): RingPlan | Refusal {
  const text = textOf('--table', path);
  if (typeof text !== 'string') return text;
  try {
    // An editor ends the last line; the table itself has no such end.
    const table = readTable(text.replace(/\r?\n$/, ''));
    return { table, warnings: quotas(table.nodes, table.copies).warnings };
  } catch (error) {
    if (!isFailure(error, 'SOJOURN_CORRUPT')) throw error;
    const hint = text.trimStart().startsWith('[') ? ' (A list of nodes goes to --nodes.)' : '';
    return { refused: `--table ${quoted(path)} cannot be read: ${error.details.problem}${hint}` };
  }
}
