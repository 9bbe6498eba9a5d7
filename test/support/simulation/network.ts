/**
 * The network between application processes and servers: calls there, answers back, and all that can happen on the way.
 *
 * A call and its answer each take a random time, so they overtake each other; they get lost, and the caller hears of it at
 * once, late, or only when its client gives up; a call is carried out twice (a client that sends again after a reconnect). On a
 * link that is cut, one way or both, half of what is sent is gone, and half arrives when the link is back, as TCP does it.
 */
import { failure } from '../../../src/errors.js';
import type { AppProcess } from './app-process.js';
import type { Chance } from './chance.js';
import type { Keeps, Server } from './server.js';
import type { World } from './world.js';

/** How it goes on the links. */
export interface Weather {
  /** Chances of each message. */
  readonly loss: number;
  readonly twice: number;
  /** Most messages take a small part of this. */
  readonly delayMs: number;
}

export const FAIR: Weather = { loss: 0, twice: 0, delayMs: 4 };

/** 'there': calls get lost; 'back': answers do. */
export type Way = 'there' | 'back' | 'both';

const LEAST_DELAY_MS = 0.1;
/** When a client gives up a call that nobody answers. */
const GIVEN_UP_MS = 3000;
const NO_ONE = 'connect ECONNREFUSED';
const LOST = 'the connection was lost';

interface Link {
  /** For each session its own, so that what happens to one is the same without the others. */
  readonly chances: Map<string, Chance>;
  readonly source: Chance;
  readonly cuts: Set<Way>;
  held: (() => void)[];
}

export class Network {
  weather: Weather = FAIR;
  readonly #world: World;
  readonly #chance: Chance;
  readonly #links = new Map<string, Link>();

  constructor(world: World, source: Chance) {
    this.#world = world;
    this.#chance = source;
  }

  /** Cuts the link between a machine of the application and a server. Returns what mends it. */
  cut(machine: string, server: string, way: Way): () => void {
    const link = this.#link(machine, server);
    const { cuts } = link;
    if (cuts.has(way)) return () => {};
    cuts.add(way);
    return () => {
      cuts.delete(way);
      if (cuts.size > 0) return;
      const { held } = link;
      link.held = [];
      for (const send of held) this.#world.after(this.#delay(link.source), send);
    };
  }

  /** `run` is carried out on the server; it holds nothing that the caller might still change. `about`: the id, or whatever is asked for. */
  call(
    from: AppProcess,
    to: Server,
    verb: string,
    about: string,
    run: (store: Keeps) => unknown,
    more = '',
  ): Promise<unknown> {
    const what = `${verb} ${about}${more}`;
    const link = this.#link(machineOf(from), to.name);
    const chance = chanceOf(link, about);
    return new Promise((resolve, reject) => {
      const refuse = (problem: string, operation = what): void =>
        reject(failure('SOJOURN_STORE', { store: to.name, operation, problem }));
      const back = (arrive: () => void): void =>
        this.#send(
          link,
          chance,
          'back',
          () => from.receive(arrive),
          () => from.receive(() => refuse(LOST)),
        );
      const work = {
        run,
        answer: (result: unknown): void => {
          this.#world.note(() => `${to.name} -> ${from.name}  ${what}: ${shown(result)}`);
          back(() => resolve(result));
        },
        fail: (error?: unknown): void => back(() => (error === undefined ? refuse(NO_ONE) : reject(error as Error))),
      };
      const times = chance.hits(this.weather.twice) ? 2 : 1;
      for (let time = 0; time < times; time++) {
        this.#send(
          link,
          chance,
          'there',
          () => {
            // Part of what a process wrote into its sockets dies with it.
            if (!from.isAlive && chance.hits(0.5)) return;
            this.#world.note(() => `${from.name} -> ${to.name}  ${what}${to.state === 'up' ? '' : ` (${to.state})`}`);
            to.receive(work);
          },
          () => from.receive(() => refuse(LOST)),
        );
      }
    });
  }

  #send(link: Link, chance: Chance, way: 'there' | 'back', arrive: () => void, lost: () => void): void {
    const isCut = link.cuts.has(way) || link.cuts.has('both');
    if (isCut && chance.hits(0.5)) link.held.push(arrive);
    else if (isCut || chance.hits(this.weather.loss)) {
      const heardMs = chance.hits(0.7) ? chance.between(1, 300) : GIVEN_UP_MS;
      this.#world.after(heardMs, lost);
    } else this.#world.after(this.#delay(chance), arrive);
  }

  #delay(chance: Chance): number {
    const part = chance.real();
    return LEAST_DELAY_MS + part * part * part * this.weather.delayMs;
  }

  #link(machine: string, server: string): Link {
    const name = `${machine} ${server}`;
    let link = this.#links.get(name);
    if (!link) {
      link = { source: this.#chance.fork(name), chances: new Map(), cuts: new Set(), held: [] };
      this.#links.set(name, link);
    }
    return link;
  }
}

function chanceOf({ chances, source }: Link, about: string): Chance {
  let own = chances.get(about);
  if (!own) {
    own = source.fork(about);
    chances.set(about, own);
  }
  return own;
}

/** `p1.2` is the second process on machine `p1`. */
export function machineOf({ name }: Pick<AppProcess, 'name'>): string {
  return name.split('.')[0]!;
}

function shown(result: unknown): string {
  if (result === null || typeof result !== 'object') return String(result);
  if ('status' in result) return String(result.status);
  if ('mark' in result) return `mark ${Buffer.from(result.mark as Uint8Array).toString('hex')}`;
  if ('head' in result) return `version ${(result as { head: { version: number } }).head.version}`;
  return 'something';
}
