/**
 * Tables in Markdown, padded so that they read as well in a terminal as in a browser: one text for both, so that nobody
 * copies figures by hand from one to the other.
 */
import type { Check, Goal, Result, Table } from './result.js';

export function tableText({ title, columns, rows }: Table): string {
  return `### ${title}\n\n${aligned(columns, rows)}`;
}

export function goalsText(goals: readonly Goal[]): string {
  const rows = goals.map(({ what, target, measured, verdict }) => [what, target, measured, verdict]);
  return aligned(['goal', 'target', 'measured', 'verdict'], rows);
}

export function checksText(checks: readonly Check[]): string {
  const rows = checks.map(({ what, found, ok }) => [what, found, ok ? 'holds' : '**does not hold**']);
  return aligned(['in the same run', 'found', ''], rows);
}

/** All of one result, for the terminal. */
export function resultText({ tables, goals, checks }: Result): string {
  const parts = tables.map(tableText);
  if (checks.length > 0) parts.push(checksText(checks));
  if (goals.length > 0) parts.push(goalsText(goals));
  return parts.join('\n\n');
}

function aligned(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, i) => Math.max(3, column.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
