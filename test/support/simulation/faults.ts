/** Makes the faults of a scenario happen in a world, and ends them again. */
import { failure } from '../../../src/errors.js';
import type { AppProcess } from './app-process.js';
import type { Calm } from './calm.js';
import { FAIR, type Network } from './network.js';
import type { Fault } from './scenario.js';
import type { Server } from './server.js';
import type { World } from './world.js';

export interface Stage {
  readonly world: World;
  readonly network: Network;
  readonly calm: Calm;
  readonly servers: readonly Server[];
  /** The process that runs on a machine now. */
  process(machine: number): AppProcess;
  restart(machine: number): void;
  /** Asks for another weight of a node, on a machine. */
  resize(machine: number, node: number, weight: number): void;
}

/** How long before a crash the state lies that a node rolls back to. */
const ROLLED_BACK_MS = 500;

export function schedule(stage: Stage, faults: readonly Fault[]): void {
  const { world, servers } = stage;
  for (const fault of faults) {
    if (fault.kind === 'crash' && fault.comesBack === 'rolled back') {
      world.after(fault.at - ROLLED_BACK_MS - world.now, () => void servers[fault.node]!.snapshot());
    }
    world.after(fault.at - world.now, () => {
      const end = begin(stage, fault);
      if (end === undefined) return;
      world.note(() => `${described(fault)} begins`);
      stage.calm.begin();
      world.after(fault.lasts, () => {
        world.note(() => `${described(fault)} ends`);
        end();
        stage.calm.end();
      });
    });
  }
}

export function described({ at, lasts, kind, ...rest }: Fault): string {
  const about = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return `[${kind} ${about.join(', ')} for ${lasts} ms]`;
}

/** Returns what ends it, or nothing where it cannot happen now. */
function begin({ network, servers, process, restart, resize }: Stage, fault: Fault): (() => void) | undefined {
  switch (fault.kind) {
    case 'weather': {
      if (network.weather !== FAIR) return undefined;
      network.weather = fault.weather;
      return () => {
        network.weather = FAIR;
      };
    }
    case 'cut':
      return network.cut(machineName(fault.machine), servers[fault.node]!.name, fault.way);
    case 'split': {
      const mends = fault.nodes.map((node) => network.cut(machineName(fault.machine), servers[node]!.name, 'both'));
      return () => {
        for (const mend of mends) mend();
      };
    }
    case 'stop': {
      const server = servers[fault.node]!;
      if (server.state !== 'up') return undefined;
      server.stop();
      return () => server.goOn();
    }
    case 'slow': {
      const server = servers[fault.node]!;
      if (server.slowMs > 0) return undefined;
      server.slowMs = fault.byMs;
      return () => {
        server.slowMs = 0;
      };
    }
    case 'crash': {
      const server = servers[fault.node]!;
      if (server.state !== 'up') return undefined;
      server.kill();
      if (fault.comesBack === 'empty') server.forget();
      if (fault.comesBack === 'rolled back') server.rollBack();
      return () => server.restart();
    }
    case 'pause': {
      const paused = process(fault.machine);
      if (!paused.isAlive || paused.isPaused) return undefined;
      paused.pause();
      return () => paused.resume();
    }
    case 'kill': {
      const killed = process(fault.machine);
      if (!killed.isAlive) return undefined;
      killed.kill();
      return () => restart(fault.machine);
    }
    case 'clock': {
      const changed = process(fault.machine);
      const before = changed.skewMs;
      changed.skewMs = fault.toMs;
      return () => {
        changed.skewMs = before;
      };
    }
    case 'resize': {
      resize(fault.machine, fault.node, fault.weight);
      return undefined;
    }
    default:
      throw failure('SOJOURN_OPTION', { option: 'fault', wanted: 'must be a known one' });
  }
}

export function machineName(machine: number): string {
  return `p${machine + 1}`;
}
