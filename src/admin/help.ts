/**
 * Help, written from the commands themselves, so that an option cannot be there and not be explained. It has the width of the
 * terminal, and goes through the printer like everything else.
 *
 * Rejected: texts by hand (they were right on the day they were written). A test runs the examples.
 */
import type { Command } from './command.js';
import { type Line, wrapped } from './printer.js';

/** What there is. */
export function groupHelp(commands: Readonly<Record<string, Command>>, columns: number): Line[] {
  const rows = Object.entries(commands).map(([name, { summary }]) => [`sojourn ring ${name}`, summary] as const);
  return [
    [{ text: 'sojourn', style: 'strong' }, ', the tool for operators of sojourn'],
    '',
    ...listed(rows, columns),
    '',
    'sojourn ring COMMAND --help tells more; sojourn --version tells which this is.',
    'Exit codes: 0 fine, 1 refused or somebody should look, 2 wrongly called.',
  ];
}

/** One command in full. */
export function commandHelp(name: string, command: Command, columns: number): Line[] {
  const options = Object.entries(command.options).map(
    ([option, { value, many, says }]) =>
      [`--${option}${value ? ` ${value}` : ''}`, many ? `${says}; may be repeated` : says] as const,
  );
  return [
    ...wrapped(`${name}: ${command.summary}`, columns, '  ').map((text): Line => [{ text, style: 'strong' }]),
    '',
    ...wrapped(`${name} ${command.usage}`, columns, '    '),
    '',
    ...command.more.flatMap((text) => wrapped(text, columns)),
    '',
    ...listed(options, columns),
    '',
    ...command.examples.map((example): Line => `  ${example}`),
    '',
    ...wrapped(`Exit codes: 0 fine; 1 if ${command.attention}; 2 wrongly called.`, columns, '  '),
  ];
}

function listed(rows: readonly (readonly [name: string, says: string])[], columns: number): Line[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, says]) =>
    wrapped(says, columns - width).map(
      (text, n): Line => [{ text: (n === 0 ? `  ${name}` : '').padEnd(width), style: 'strong' }, text],
    ),
  );
}
