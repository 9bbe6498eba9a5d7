/**
 * A shop whose store gets into trouble: memory behind a network that does what a `FaultPlan` says, a clock that is moved by hand,
 * and everything that was told.
 */
import { type Events, memory, type Sessions, type SessionsOptions, sessions, type } from 'sojourn';
import { type ControllableClock, controllableClock, FaultPlan, faulty } from 'sojourn/testing';
import { EVENTS } from './events.js';
import { networked } from './networked.js';
import { type Visitor, visitor } from './visitor.js';

export interface Shop {
  name: string;
  cart: string[];
  flash: string;
}
export type Told = { [E in keyof Events]: [E, Events[E]] }[keyof Events];

export type MemoryStore = ReturnType<typeof memory>;

/** `more`: a layer above the store in trouble. */
export function shopInTrouble(
  options: Partial<SessionsOptions<Shop, MemoryStore>> = {},
  more: (store: MemoryStore, clock: ControllableClock) => MemoryStore = (store) => store,
) {
  const clock = controllableClock();
  const plan = new FaultPlan();
  const kept = memory({ now: clock.now });
  const store = more(networked(faulty(kept, plan)), clock);
  const told: Told[] = [];
  const server = (mine: typeof options = {}): Sessions<Shop, MemoryStore> => {
    const s = sessions({ data: type<Shop>(), environment: clock, sweep: false, ...options, ...mine, store });
    for (const event of EVENTS) s.on(event, (payload) => told.push([event, payload] as Told));
    return s;
  };
  const ofKind = <E extends keyof Events>(kind: E) =>
    told.filter(([event]) => event === kind).map(([, payload]) => payload as Events[E]);
  return { s: server(), server, clock, plan, kept, told, ofKind, verbs: () => plan.calls.map(({ verb }) => verb) };
}

/** A visitor who has signed in. */
export async function signedIn(s: Sessions<Shop, MemoryStore>): Promise<Visitor<Shop>> {
  const ann = visitor(s);
  await ann.visit((session) => {
    session.login('ann');
    session.set('name', 'Ann');
  });
  return ann;
}

/** Somebody with a token that opens nothing: his requests load, and no more. */
export function stranger(s: Sessions<Shop, MemoryStore>): Visitor<Shop> {
  return visitor(s, new Map([['__Host-sid', `${'a'.repeat(21)}A.${'b'.repeat(42)}A`]]));
}

/** What a request came to: what its handler returned, or the code and status of its failure. */
export function outcome(asked: Promise<unknown>): Promise<unknown> {
  return asked.catch((error: { code?: string; status?: number }) => [error.code, error.status]);
}
export const DOWN = ['SOJOURN_STORE', 503];
export const DEGRADED = ['SOJOURN_DEGRADED', 503];

/** Everything that can run now has run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Time passes in steps, and what it sets going gets on in between. */
export async function letPass(clock: ControllableClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    clock.advance(Math.min(50, ms - passed));
    await settled();
  }
}
