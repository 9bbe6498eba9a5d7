/** Two servers on one store, without HTTP: what they ask of it, what they tell, and a clock that both obey. */

import { type Events, memory, type Sessions, type SessionsOptions, type Store, sessions } from 'sojourn';
import { type ControllableClock, controllableClock } from 'sojourn/testing';
import { EVENTS } from './events.js';
import { type Call, recorded } from './recorded.js';

export type Fields = Record<string, unknown>;
export type Told = { [E in keyof Events]: { readonly event: E; readonly payload: Events[E] } }[keyof Events];

export interface Pair<S extends Store> {
  readonly a: Sessions<Fields, S>;
  readonly b: Sessions<Fields, S>;
  readonly clock: ControllableClock;
  /** The store itself; what is asked of it here is not counted. */
  readonly store: S;
  readonly calls: Call[];
  readonly told: Told[];
  /** The verbs of the calls so far, in order. */
  verbs(): string[];
}

/** On one memory store. */
export function pair(options: Partial<SessionsOptions<Fields, Store>> = {}): Pair<ReturnType<typeof memory>> {
  return pairOn((clock) => memory({ now: clock.now }), options);
}

/** On the store that `open` gives. */
export function pairOn<S extends Store>(
  open: (clock: ControllableClock) => S,
  options: Partial<SessionsOptions<Fields, Store>> = {},
): Pair<S> {
  const clock = controllableClock();
  const store = open(clock);
  const calls: Call[] = [];
  const told: Told[] = [];
  const server = (): Sessions<Fields, S> => {
    const s = sessions<Fields, S>({ environment: clock, sweep: false, ...options, store: recorded(store, calls) });
    for (const event of EVENTS) s.on(event, (payload) => told.push({ event, payload } as Told));
    return s;
  };
  return { a: server(), b: server(), clock, store, calls, told, verbs: () => calls.map(({ verb }) => verb) };
}
