/**
 * What the contest asks of its load generator, and what it hears back. Apart from load.ts, because that is a program: who
 * imports it becomes one.
 */
import type { RedisWork } from '../redis/gauge.js';
import type { Name } from './entrants.js';
import type { Route } from './paths.js';

export const CONNECTIONS = 32;

/** What a visitor brings who has no session, and what the bare handler is sent: 45 bytes. */
export const FOREIGN_COOKIE = 'theme=dark; lang=en-GB; _ga=GA1.2.1234567.890';

export interface Target {
  readonly name: Name;
  readonly port: number;
  /** One cookie for each session. */
  readonly cookies: readonly string[];
}

/** The first question: whom to connect to. */
export interface Targets {
  readonly targets: readonly Target[];
  /** The port of the Redis whose work is to be told beside each turn. */
  readonly redisPort: number | undefined;
}

export interface Planned {
  readonly name: Name;
  readonly route: Route;
}

/** Every other one: a round of turns. */
export interface Order {
  readonly turns: readonly Planned[];
  readonly turnMs: number;
  /** What the live line shows in front of each turn. */
  readonly title: string;
}

/** A turn that is over. */
export interface Driven extends Planned {
  readonly answered: number;
  readonly perSecond: number;
  /** What Redis did meanwhile, for everybody. */
  readonly redis: RedisWork | undefined;
}
