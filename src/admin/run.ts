/**
 * From the words on the command line to what is printed: finds the command, lets it run, and turns every outcome into text and an
 * exit code.
 *
 * 0: fine. 1: refused, or somebody should look. 2: wrongly called. Whatever goes wrong is a sentence, never a stack: this is the
 * one place where an error ends. Nothing here touches the process, so tests can call it; a command that takes a while says how far it is
 * by way of its stage.
 */
import { readFileSync } from 'node:fs';
import { nearest } from '../core/options.js';
import { isFailure, type SojournError } from '../errors.js';
import { type Given, given, wrong } from './arguments.js';
import { type Answer, type Command, isRefusal } from './command.js';
import { commandHelp, groupHelp } from './help.js';
import { type Line, type Look, printed, wrapped } from './printer.js';
import { abort, apply, drain, pause, resume } from './ring/changing.js';
import { plan } from './ring/plan.js';
import { repair } from './ring/repair.js';
import { show } from './ring/show.js';
import { simulate } from './ring/simulate.js';
import { status } from './ring/status.js';
import { verify } from './ring/verify.js';
import { where } from './ring/where.js';
import { NO_STAGE, type Stage } from './stage.js';
import { quoted, visibleJson } from './visible.js';

export type ExitCode = 0 | 1 | 2;

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: ExitCode;
}

const ring: Readonly<Record<string, Command>> = {
  show,
  where,
  plan,
  simulate,
  status,
  apply,
  pause,
  resume,
  abort,
  drain,
  repair,
  verify,
};

/** What these words lead to. `out` and `err` say how the two streams want to be written to; `stageOf` makes the stage of a command. */
export async function run(
  args: readonly string[],
  out: Look,
  err: Look,
  stageOf: (isJson: boolean) => Stage = () => NO_STAGE,
): Promise<Output> {
  const [group, name, ...rest] = args;
  const told = (lines: readonly Line[]): Output => ({ stdout: printed(lines, out), stderr: '', exit: 0 });
  const refused = (exit: ExitCode, who: string, problem: string, hint: readonly Line[] = []): Output => ({
    stdout: '',
    stderr: printed([...wrapped(`${who}: ${problem}`, err.columns, '  '), ...hint], err),
    exit,
  });

  if (isHelp(group)) return told(groupHelp(ring, out.columns));
  if (group === '--version') return told([`sojourn ${version()}`]);
  if (group !== 'ring') return refused(2, 'sojourn', missing('command', group, ['ring']), [TRY('sojourn')]);
  if (isHelp(name)) return told(groupHelp(ring, out.columns));
  const command = name !== undefined && Object.hasOwn(ring, name) ? ring[name]! : undefined;
  if (!command)
    return refused(2, 'sojourn ring', missing('command of ring', name, Object.keys(ring)), [TRY('sojourn ring')]);
  const who = `sojourn ring ${name}`;
  if (asksForHelp(rest)) return told(commandHelp(who, command, out.columns));
  try {
    const known = understood(command, rest);
    const answer = await command.run(known, stageOf(known.has('json')));
    if (isRefusal(answer)) return refused(1, who, `${answer.refused}.`);
    return { stdout: textOf(answer, known.has('json'), out), stderr: '', exit: answer.attention ? 1 : 0 };
  } catch (error) {
    if (isFailure(error, 'SOJOURN_OPTION')) {
      const { option, wanted, got } = error.details;
      return refused(2, who, `${option} ${wanted}${got === undefined ? '' : `, got ${got}`}.`, [TRY(who)]);
    }
    if (isFailure(error, 'SOJOURN_STORE')) return refused(1, who, troubleOf(error));
    return refused(
      1,
      who,
      `${error instanceof Error ? error.message : String(error)} (This is a fault of sojourn; please report it.)`,
    );
  }
}

/** What the nodes of a ring could not do, with the trouble of the node itself behind it. */
function troubleOf(error: SojournError): string {
  const { problem } = error.details;
  const below = isFailure(error.cause) ? ` ${error.cause.message}` : '';
  return `the ring could not ${error.details.operation}: ${problem}.${below}`;
}

/** The arguments, as far as they can be judged without knowing what the command does. */
function understood(command: Command, args: readonly string[]): Given {
  const known = given(args, command.options);
  if (!command.usage.startsWith('<') && known.words.length > 0)
    throw wrong('The command', 'takes options only, no further words', known.words[0]);
  if (known.has('json') && known.has('svg')) throw wrong('--svg', 'does not go with --json; give one of the two');
  return known;
}

function textOf(answer: Answer, asJson: boolean, look: Look): string {
  if (answer.document !== undefined) return answer.document;
  return asJson ? `${visibleJson(answer.json)}\n` : printed(answer.lines(look.columns), look);
}

function missing(what: string, word: string | undefined, known: readonly string[]): string {
  if (word === undefined) return `which ${what}? There is ${known.join(', ')}.`;
  const near = nearest(word, known);
  return `${quoted(word)} is no ${what}; ${near ? `did you mean ${near}?` : `there is ${known.join(', ')}.`}`;
}

const TRY = (who: string): Line => [{ text: `Try: ${who} --help`, style: 'dim' }];

function isHelp(word: string | undefined): boolean {
  return word === '--help' || word === '-h' || word === 'help';
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.some((arg, i) => (arg === '--help' || arg === '-h') && (end < 0 || i < end));
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
}
