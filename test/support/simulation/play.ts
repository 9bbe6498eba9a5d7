/**
 * Plays a scenario on a layer: builds the world, lets everything happen, and brings in the verdict.
 *
 * After the last round comes an epilogue. In calm, one node goes away: every session must be found on the others, which
 * shows that each copy was where it belongs. It comes back empty, and in the next calm all processes must find everything once more.
 */
import type { Store } from '../../../src/contract.js';
import { AppProcess } from './app-process.js';
import { CALM_MS, Calm } from './calm.js';
import { chance } from './chance.js';
import { machineName, schedule } from './faults.js';
import type { Story } from './history.js';
import { Judge } from './judge.js';
import { Network } from './network.js';
import { remoteNode } from './remote-node.js';
import { type Scenario, SETUP_MS } from './scenario.js';
import { type Keeps, Server } from './server.js';
import { RULE_NAMES, type Rule, type Violation } from './violation.js';
import { emptyTally, type Setting, type Tally, Visitors } from './visitors.js';
import { World } from './world.js';

/** What is on trial. */
export interface Layer {
  readonly name: string;
  open(place: Place): Store;
  /** Gives a node another weight, if it can be done now. Rejects if not. */
  resize?(store: Store, node: string, weight: number): Promise<void>;
  /** Promises that it does not make. */
  readonly except?: readonly Rule[];
  /** The only promises to look at. */
  readonly only?: readonly Rule[];
}

/** Where a layer is opened: in one process, with a way to each node. */
export interface Place {
  readonly nodes: readonly Keeps[];
  readonly copies: number;
  readonly environment: AppProcess['environment'];
  /** Milliseconds that only grow. */
  monotonic(): number;
}

export interface Verdict {
  /** The first one. Absent: nothing was wrong. */
  readonly violation: Violation | undefined;
  /** The first one of each kind, where the run went on to its end. */
  readonly violations: ReadonlyMap<Rule, Violation>;
  readonly tally: Tally;
  readonly trace: readonly string[];
}

/** Every call must be answered within this. */
const ANSWER_MS = 10_000;
/** How long a look at everything may take. */
const LOOK_MS = 3000;

export interface PlayOptions {
  /** Write down everything that happens. */
  readonly trace?: boolean;
  /** Go on after the first broken promise. */
  readonly toTheEnd?: boolean;
}

export async function play(scenario: Scenario, layer: Layer, options: PlayOptions = {}): Promise<Verdict> {
  const { seed, faults, steps, untilMs, slots } = scenario;
  const source = chance(`world ${seed}`);
  const world = new World(options);
  const calm = new Calm(() => world.now);
  const network = new Network(world, source.fork('network'));
  const servers = scenario.nodeSkews.map((skewMs, node) => new Server(world, `n${node + 1}`, skewMs));
  const violations = new Map<Rule, Violation>();
  const judge = new Judge({
    skewMs: Math.ceil(scenario.profile.skewMs / 2),
    rules: layer.only ?? RULE_NAMES.filter((rule) => !layer.except?.includes(rule)),
    report(found) {
      if (!violations.has(found.rule)) violations.set(found.rule, found);
      if (!options.toTheEnd) world.end();
    },
  });
  const tally = emptyTally();
  const stories: Story[] = [];
  const setting: Setting = { world, calm, judge, stories, slots: [], tally, seed };
  const everybody: Visitors[] = [];
  const stores: Store[] = [];
  const running = scenario.machineSkews.map((_, machine) => start(machine, 1));

  function start(machine: number, incarnation: number): Visitors {
    const name = `${machineName(machine)}.${incarnation}`;
    const process = new AppProcess(world, name, source.fork(name), scenario.machineSkews[machine]!);
    const nodes = servers.map((server) => remoteNode(network, process, server));
    const { environment } = process;
    const store = layer.open({ nodes, copies: scenario.copies, environment, monotonic: () => world.now });
    stores[machine] = store;
    const visitors = new Visitors(setting, process, store);
    everybody.push(visitors);
    return visitors;
  }

  function restart(machine: number): void {
    const incarnation = Number(running[machine]!.process.name.split('.')[1]) + 1;
    running[machine] = start(machine, incarnation);
  }

  /** Runs in a process, as soon as that is not stopped. Its promises never reject: the judge has heard of all. */
  function at(ms: number, machine: number, run: (visitors: Visitors) => Promise<void>): void {
    world.after(ms - world.now, () => {
      const visitors = running[machine]!;
      visitors.process.receive(() => void run(visitors));
    });
  }

  for (let slot = 0; slot < slots; slot++) {
    const step = { number: -1 - slot, slot, livesMs: slot % 6 === 5 ? SETUP_MS + slot * 1000 : 3_600_000 };
    at(SETUP_MS - 2000 + slot * 10, slot % scenario.machines, (visitors) => visitors.create(step));
  }
  for (const step of steps) at(step.at, step.machine, (visitors) => visitors.take(step));
  function resize(machine: number, node: number, weight: number): void {
    const name = servers[node]!.name;
    const tell = (end: string) => () =>
      world.note(() => `[${machineName(machine)} gives ${name} weight ${weight}: ${end}]`);
    running[machine]!.process.receive(() => {
      tell('begins')();
      void layer
        .resize?.(stores[machine]!, name, weight)
        .then(tell('published'), (error: Error) => tell(error.message)());
    });
  }
  const process = (machine: number): AppProcess => running[machine]!.process;
  schedule({ world, network, calm, servers, process, restart, resize }, faults);
  await world.run(untilMs);

  // What must be there is there, for everybody.
  await look();
  // On every node that belongs to it, too.
  const node = source.fork('epilogue').between(0, servers.length - 1);
  if (scenario.copies > 1) {
    calm.begin();
    servers[node]!.kill();
    world.note(() => `n${node + 1} goes away`);
    await look((story, error) => judge.failedBesideSurvivors(story, error));
    servers[node]!.forget();
    servers[node]!.restart();
    calm.end();
    world.note(() => `n${node + 1} is back, empty`);
    await world.run(world.now + CALM_MS);
    await look();
  }
  for (const { waiting, process } of everybody) {
    for (const { story, what, since } of waiting)
      if (process.isAlive && since < world.now - ANSWER_MS) judge.unanswered(story, what);
  }
  world.end();
  const [violation] = violations.values();
  return { violation, violations, tally, trace: world.trace ?? [] };

  async function look(failed?: (story: Story, error: unknown) => void): Promise<void> {
    let answered = 0;
    const wanted = stories.length * running.length;
    const from = world.now;
    running.forEach((_, machine) => {
      stories.forEach((story, index) => {
        at(from + index * 2, machine, async (visitors) => {
          await visitors.load(story, failed && ((error) => failed(story, error)));
          answered++;
        });
      });
    });
    await world.run(from + stories.length * 2 + LOOK_MS);
    if (answered < wanted && violations.size === 0)
      judge.unanswered(stories[0]!, `${wanted - answered} loads in the end`);
  }
}
