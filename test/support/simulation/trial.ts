/**
 * A layer on trial for many seeds. The first seed that convicts it is made small, told as a story, and named with the command that
 * repeats it.
 *
 * `SOJOURN_SEED='17'` plays that seed alone, `SOJOURN_SEED='17 profile=network faults=2,5 steps=40,41'` only those faults and steps of it.
 * `SOJOURN_SEED='1-10000'` plays these: so a long exam can be taken in pieces, on several cores.
 */
import { described } from './faults.js';
import { type Layer, play, type Verdict } from './play.js';
import { type ProfileName, type Scenario, type Sizes, type Step, scenario } from './scenario.js';
import { smaller } from './smaller.js';
import type { Rule, Violation } from './violation.js';
import { emptyTally, type Tally } from './visitors.js';

export interface Trial {
  readonly seeds: number;
  readonly sizes?: Sizes;
  /** The test file, for the command. */
  readonly file: string;
}

/** Lines of what happened last, in the story of a failing run. */
const LAST_LINES = 80;

/** Throws the story of the first seed that fails. Returns what all seeds have met. */
export async function trial(layer: Layer, { seeds, sizes, file }: Trial): Promise<Tally> {
  const total = emptyTally();
  const asked = process.env.SOJOURN_SEED;
  for (const run of asked === undefined ? all(1, seeds, sizes) : chosen(asked, sizes)) {
    const { violation, tally } = await play(run, layer);
    if (violation) throw new Error(await story(run, violation, layer, file, sizes));
    for (const key of Object.keys(total) as (keyof Tally)[]) total[key] += tally[key];
  }
  return total;
}

/** The first of so many seeds in which a layer breaks this promise, were it the only one. */
export async function convicted(
  layer: Layer,
  rule: Rule,
  seeds: number,
  sizes?: Sizes,
): Promise<{ readonly seed: number; readonly violation: Violation } | undefined> {
  for (const run of all(1, seeds, sizes)) {
    const { violation } = await play(run, { ...layer, only: [rule] });
    if (violation) return { seed: run.seed, violation };
  }
  return undefined;
}

function* all(from: number, to: number, sizes: Sizes | undefined): Generator<Scenario> {
  for (let seed = from; seed <= to; seed++) yield scenario(seed, sizes);
}

/** `1-10000`, or `17 profile=network faults=2,5 steps=40,41` */
function chosen(asked: string, sizes: Sizes | undefined): Iterable<Scenario> {
  const [from, to] = /^(\d+)-(\d+)$/.exec(asked)?.slice(1).map(Number) ?? [];
  return from !== undefined && to !== undefined ? all(from, to, sizes) : [part(asked, sizes)];
}

function part(asked: string, sizes: Sizes | undefined): Scenario {
  const [seed, ...parts] = asked.split(' ');
  const said = (name: string): string | undefined =>
    parts.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  const kept = (name: string): readonly number[] | undefined => said(name)?.split(',').filter(Boolean).map(Number);
  const profile = said('profile');
  const whole = scenario(Number(seed), profile ? { ...sizes, profiles: [profile as ProfileName] } : sizes);
  const [faults, steps] = [kept('faults'), kept('steps')];
  return {
    ...whole,
    faults: faults ? whole.faults.filter((_, index) => faults.includes(index)) : whole.faults,
    steps: steps ? whole.steps.filter(({ number }) => steps.includes(number)) : whole.steps,
  };
}

export async function story(
  run: Scenario,
  violation: Violation,
  layer: Layer,
  file: string,
  sizes: Sizes | undefined,
): Promise<string> {
  const least = await smaller(run, violation, async (candidate) => (await play(candidate, layer)).violation);
  const told = await play(least, layer, { trace: true });
  const whole = scenario(run.seed, sizes);
  const faults = least.faults.map((fault) => whole.faults.findIndex((each) => same(each, fault)));
  const steps = least.steps.map(({ number }) => number);
  const seed = `${run.seed} profile=${run.profile.name} faults=${faults} steps=${steps}`;
  return [
    `Seed ${run.seed} (${run.profile.name}): ${layer.name} breaks a promise.`,
    told.violation?.message ?? violation.message,
    'Faults:',
    ...least.faults.map((fault) => `  ${fault.at.toFixed(1)}  ${described(fault)}`),
    'Steps:',
    ...least.steps.map(shown),
    'What happened last:',
    ...lastLines(told, violation),
    `Again: SOJOURN_SEED='${seed}' npx vitest run ${file} -t '${layer.name}'`,
  ].join('\n');
}

function lastLines({ trace, violation }: Verdict, before: Violation): readonly string[] {
  const id = /Session (\S+):/.exec((violation ?? before).message)?.[1];
  return trace.filter((text) => id === undefined || text.includes(id) || text.includes('[')).slice(-LAST_LINES);
}

function shown({ number, at, machine, verb, slot, field }: Step): string {
  return `  ${at.toFixed(1)}  ${number}: p${machine + 1} ${verb} ${field} in slot ${slot}`;
}

function same(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
