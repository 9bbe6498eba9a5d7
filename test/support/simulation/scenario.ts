/**
 * What happens in one run, all of it worked out from the seed before it begins: who is there, what goes wrong when, who does what.
 *
 * A run has rounds: calm, then a storm in which faults overlap, then quiet until there is calm again. Steps come in bursts on one
 * session, since what never meets shows nothing. Faults and steps are plain lists, so that a failing run can be made smaller.
 */
import { CALM_MS } from './calm.js';
import { type Chance, chance, weighted } from './chance.js';
import type { Way, Weather } from './network.js';

export type Fault = { readonly at: number; readonly lasts: number } & (
  | { readonly kind: 'weather'; readonly weather: Weather }
  | { readonly kind: 'cut'; readonly machine: number; readonly node: number; readonly way: Way }
  | { readonly kind: 'split'; readonly machine: number; readonly nodes: readonly number[] }
  | { readonly kind: 'stop'; readonly node: number }
  | { readonly kind: 'slow'; readonly node: number; readonly byMs: number }
  | { readonly kind: 'crash'; readonly node: number; readonly comesBack: ComesBack }
  | { readonly kind: 'pause'; readonly machine: number }
  | { readonly kind: 'kill'; readonly machine: number }
  | { readonly kind: 'clock'; readonly machine: number; readonly toMs: number }
  /** No fault: an operator gives nodes other weights, and everything has to go on as it was. */
  | { readonly kind: 'resize'; readonly machine: number; readonly node: number; readonly weight: number }
);
export type FaultKind = Fault['kind'];
/** With all its data, with none, or as it was half a second before. */
export type ComesBack = 'whole' | 'empty' | 'rolled back';

export type Verb = 'create' | 'load' | 'set' | 'delete' | 'append' | 'touch' | 'login' | 'rotate' | 'destroy';
export interface Step {
  readonly number: number;
  readonly at: number;
  readonly machine: number;
  readonly verb: Verb;
  /** Which of the sessions that are going on. */
  readonly slot: number;
  readonly field: Field;
  /** What is between reading and writing. */
  readonly thinksMs: number;
  /** For `create`: how long the session lives. */
  readonly livesMs: number;
}
export const FIELDS = ['a', 'b'] as const;
export type Field = (typeof FIELDS)[number];
/** The field that only `append` writes, by swaps. */
export const LOG = 'log';

export interface Profile {
  readonly name: string;
  readonly kinds: readonly Exclude<FaultKind, 'resize'>[];
  /** The most that clocks of two machines may differ, and so by how much ends by time may be off. */
  readonly skewMs: number;
  readonly comesBack?: readonly ComesBack[];
  /** One node of the ring at a time, so that the rest must do. */
  readonly oneNode?: boolean;
  /** In each round a node is drained, filled or weighed anew, shortly before the storm or in the middle of it. */
  readonly isResized?: boolean;
}

export const PROFILES = {
  fair: { name: 'fair', kinds: [], skewMs: 0 },
  processes: { name: 'processes', kinds: ['kill', 'pause'], skewMs: 1000 },
  crashes: { name: 'crashes', kinds: ['crash', 'kill'], skewMs: 1000, comesBack: ['whole', 'empty', 'empty'] },
  hangs: { name: 'hangs', kinds: ['stop', 'slow', 'pause'], skewMs: 1000 },
  network: { name: 'network', kinds: ['weather', 'cut', 'split'], skewMs: 1000 },
  clocks: { name: 'clocks', kinds: ['clock', 'weather', 'kill'], skewMs: 90_000 },
  everything: {
    name: 'everything',
    kinds: ['weather', 'cut', 'split', 'stop', 'slow', 'crash', 'crash', 'pause', 'kill', 'clock'],
    skewMs: 90_000,
    comesBack: ['whole', 'empty'],
  },
  resize: { name: 'resize', kinds: [], skewMs: 1000, isResized: true },
  resizeDeaths: {
    name: 'resizeDeaths',
    kinds: ['kill', 'crash', 'stop', 'pause'],
    skewMs: 1000,
    comesBack: ['whole', 'empty'],
    isResized: true,
  },
  resizeNetwork: { name: 'resizeNetwork', kinds: ['weather', 'cut', 'split'], skewMs: 1000, isResized: true },
  resizeClocks: { name: 'resizeClocks', kinds: ['clock', 'weather', 'kill'], skewMs: 90_000, isResized: true },
  resizeEverything: {
    name: 'resizeEverything',
    kinds: ['weather', 'cut', 'split', 'stop', 'slow', 'crash', 'crash', 'pause', 'kill', 'clock'],
    skewMs: 90_000,
    comesBack: ['whole', 'empty'],
    isResized: true,
  },
} as const satisfies Record<string, Profile>;
export type ProfileName = keyof typeof PROFILES;

export interface Scenario {
  readonly seed: number;
  readonly profile: Profile;
  readonly machines: number;
  readonly nodes: number;
  readonly copies: number;
  /** How far the clock of each machine, and of each node, is ahead. */
  readonly machineSkews: readonly number[];
  readonly nodeSkews: readonly number[];
  readonly slots: number;
  readonly faults: readonly Fault[];
  readonly steps: readonly Step[];
  readonly untilMs: number;
}

export interface Sizes {
  readonly steps?: number;
  /** Storms, each with its calm. */
  readonly rounds?: number;
  readonly machines?: number;
  readonly nodes?: number;
  readonly copies?: number;
  readonly profiles?: readonly ProfileName[];
  /** No call is carried out twice: for layers over plain verbs, which cannot know. */
  readonly once?: boolean;
}

const ALL: readonly ProfileName[] = ['fair', 'processes', 'crashes', 'hangs', 'network', 'clocks', 'everything'];
const SLOTS = 24;
const ROUNDS = 3;
const BEFORE_MS = 2000;
const STORM_MS = 6000;
const AFTER_MS = CALM_MS + 3000;
const ROUND_MS = BEFORE_MS + STORM_MS + AFTER_MS;
/** Sessions are created before the first round. */
export const SETUP_MS = CALM_MS;
const SHORT_MS = 8000;
const LONG_MS = 3_600_000;

export function scenario(seed: number, sizes: Sizes = {}): Scenario {
  const source = chance(`simulation ${seed}`);
  const profile: Profile = PROFILES[source.pick(sizes.profiles ?? ALL)];
  const machines = sizes.machines ?? source.between(2, 4);
  const nodes = sizes.nodes ?? source.between(2, 4);
  const { rounds = ROUNDS } = sizes;
  const skews = (count: number): number[] => Array.from({ length: count }, () => skewOf(source, profile));
  return {
    seed,
    profile,
    machines,
    nodes,
    copies: Math.min(sizes.copies ?? 2, nodes),
    machineSkews: skews(machines),
    nodeSkews: skews(nodes),
    slots: SLOTS,
    faults: storms(source.fork('faults'), profile, machines, nodes, rounds).map((each) =>
      sizes.once && each.kind === 'weather' ? { ...each, weather: { ...each.weather, twice: 0 } } : each,
    ),
    steps: bursts(source.fork('steps'), sizes.steps ?? 500, machines, rounds),
    untilMs: SETUP_MS + rounds * ROUND_MS,
  };
}

function storms(source: Chance, profile: Profile, machines: number, nodes: number, rounds: number): Fault[] {
  const resizes = profile.isResized ? resizesOf(source.fork('resizes'), machines, nodes, rounds) : [];
  if (profile.kinds.length === 0) return resizes;
  const faults: Fault[] = [];
  for (let round = 0; round < rounds; round++) {
    const from = SETUP_MS + round * ROUND_MS + BEFORE_MS;
    const count = source.between(1, 6);
    for (let each = 0; each < count; each++) {
      const at = from + source.between(0, STORM_MS / 2);
      const lasts = source.between(20, from + STORM_MS - at);
      faults.push({ at, lasts, ...fault(source, profile, machines, nodes) });
    }
    gentle(faults, from);
  }
  return [...faults, ...resizes].sort((a, b) => a.at - b.at);
}

function resizesOf(source: Chance, machines: number, nodes: number, rounds: number): Fault[] {
  return Array.from({ length: rounds }, (_, round) => ({
    kind: 'resize' as const,
    at: SETUP_MS + round * ROUND_MS + source.between(-500, BEFORE_MS + STORM_MS / 2),
    lasts: 0,
    machine: source.between(0, machines - 1),
    node: source.between(0, nodes - 1),
    weight: source.pick([0, 0, 1, 3]),
  }));
}

/** Data is lost only as the first thing in a storm, when every copy is where it belongs, and on one node: what was acknowledged must survive that. */
function gentle(faults: Fault[], from: number): void {
  const isLoss = (each: Fault): boolean => each.at >= from && each.kind === 'crash' && each.comesBack !== 'whole';
  const first = faults.findIndex(isLoss);
  faults.forEach((each, index) => {
    if (!isLoss(each) || each.kind !== 'crash') return;
    faults[index] = index === first ? { ...each, at: from - 1 } : { ...each, comesBack: 'whole' };
  });
}

/** Half of it on either side, so that no two differ by more. */
function skewOf(source: Chance, { skewMs }: Profile): number {
  const half = Math.floor(skewMs / 2);
  return source.between(-half, half);
}

type What = Fault extends infer F ? (F extends Fault ? Omit<F, 'at' | 'lasts'> : never) : never;

function fault(source: Chance, profile: Profile, machines: number, nodes: number): What {
  const node = source.between(0, nodes - 1);
  const machine = source.between(0, machines - 1);
  const kind = source.pick(profile.kinds);
  switch (kind) {
    case 'weather':
      return {
        kind,
        weather: {
          loss: source.pick([0, 0.02, 0.1, 0.3]),
          twice: source.pick([0, 0.05, 0.3]),
          delayMs: source.pick([4, 40, 400, 3000]),
        },
      };
    case 'cut':
      return { kind, machine, node, way: source.pick(['there', 'back', 'both']) };
    case 'split':
      return { kind, machine, nodes: Array.from({ length: nodes }, (_, at) => at).filter(() => source.hits(0.5)) };
    case 'stop':
      return { kind, node };
    case 'slow':
      return { kind, node, byMs: source.pick([20, 60, 200]) };
    case 'crash':
      return { kind, node, comesBack: source.pick(profile.comesBack ?? ['whole']) };
    case 'clock':
      return { kind, machine, toMs: skewOf(source, profile) };
    default:
      return { kind, machine };
  }
}

function bursts(source: Chance, count: number, machines: number, rounds: number): Step[] {
  const steps: Step[] = [];
  while (steps.length < count) {
    const round = source.between(0, rounds - 1);
    const inStorm = source.hits(0.65);
    const within = inStorm ? BEFORE_MS - 50 + source.between(0, STORM_MS) : source.between(0, ROUND_MS - 500);
    const at = SETUP_MS + round * ROUND_MS + within;
    const slot = source.between(0, SLOTS - 1);
    const size = Math.min(source.pick([1, 1, 2, 3, 5, 8]), count - steps.length);
    const spreadMs = source.pick([1, 5, 30, 200]);
    for (let each = 0; each < size; each++) steps.push(step(source, at + source.between(0, spreadMs), slot, machines));
  }
  return steps.sort((a, b) => a.at - b.at).map((each, number) => ({ ...each, number }));
}

function step(source: Chance, at: number, slot: number, machines: number): Step {
  const verb = weighted<Verb>(source, [
    [2, 'create'],
    [24, 'load'],
    [20, 'set'],
    [5, 'delete'],
    [20, 'append'],
    [4, 'touch'],
    [4, 'login'],
    [4, 'rotate'],
    [3, 'destroy'],
  ]);
  return {
    number: 0,
    at,
    machine: source.between(0, machines - 1),
    verb,
    slot,
    field: source.pick(FIELDS),
    thinksMs: source.pick([0, 0, 0, 3, 50]),
    livesMs: source.hits(0.15) ? SHORT_MS : LONG_MS,
  };
}
