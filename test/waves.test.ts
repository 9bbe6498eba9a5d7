/**
 * Waves: many requests of one visitor at once, on two servers, on a store whose answers come in any order, and with answers
 * that reach the browser in any order.
 *
 * fast-check's scheduler decides what happens next, as in races.test.ts. Nobody logs out here; so whatever the order, every
 * update counts exactly once, no field and no message is lost, there is one session, and its visitor is still signed in.
 *
 * One meeting is left out, because no server can help it: an answer that repeats the cookie with a later date, sent before a
 * rotation and overtaken by the rotation's answer on the way. So a wave has rotations or cookies that are repeated, not both.
 */
import fc from 'fast-check';
import type { HeaderLine } from 'sojourn';
import { memory, sessions, type } from 'sojourn';
import { controllableClock } from 'sojourn/testing';
import { expect, test } from 'vitest';
import { runs } from './support/exam.js';
import { slowed } from './support/slowed.js';
import { visitor } from './support/visitor.js';

interface Fields {
  notes: string[];
  flash: string[];
  [own: string]: string[];
}
type Action = 'note' | 'own' | 'flash' | 'take' | 'look' | 'rotate' | 'remember' | 'save' | 'save unawaited';
const WAVES = runs(3000, 50_000);

interface Wave {
  readonly pause: '1s' | '2d';
  readonly remember: boolean;
  readonly requests: readonly { readonly server: number; readonly actions: readonly Action[] }[];
}

const ALWAYS = ['note', 'own', 'flash', 'take', 'look', 'save', 'save unawaited'] as const;
const requestsOf = (...more: Action[]) =>
  fc.array(
    fc.record({
      server: fc.nat(1),
      actions: fc.array(fc.constantFrom<Action>(...ALWAYS, ...more), { minLength: 1, maxLength: 4 }),
    }),
    { minLength: 2, maxLength: 6 },
  );
const waves: fc.Arbitrary<Wave> = fc.oneof(
  fc.record({ pause: fc.constant('1s'), remember: fc.boolean(), requests: requestsOf('rotate') }),
  fc.record({ pause: fc.constant('2d'), remember: fc.boolean(), requests: requestsOf('remember') }),
);

test(`whatever the order, nothing is lost and nobody is signed out, in ${WAVES} waves`, async () => {
  await fc.assert(fc.asyncProperty(fc.scheduler(), waves, play), { numRuns: WAVES });
}, 300_000);

async function play(scheduler: fc.Scheduler, { pause, remember, requests }: Wave): Promise<void> {
  const environment = controllableClock();
  const store = memory({ now: environment.now });
  const options = { data: type<Fields>(), environment, sweep: false, idle: '3d', absolute: '9d' } as const;
  const calm = sessions({ ...options, store });
  const servers = [0, 1].map(() => sessions({ ...options, store: slowed(store, scheduler) }));
  const ann = visitor(calm);
  await ann.visit((session) => {
    session.login('ann', { remember });
    session.set('flash', ['welcome']);
  });
  environment.advance(pause);
  const [noted, flashed, taken]: [string[], string[], string[]] = [[], ['welcome'], []];

  const under = requests.map(async ({ server, actions }, r) => {
    // The browser sends what it has when the request sets out; the answer's cookie is taken when it arrives.
    const { session, end } = await visitor(servers[server]!, new Map(ann.cookies)).begin();
    await scheduler.schedule(Promise.resolve(), 'the handler thinks');
    for (const [i, action] of actions.entries()) {
      const note = `${r}.${i}`;
      if (action === 'note') session.update('notes', (all = []) => [...all, note]);
      if (action === 'own') session.set(`own${r}`, [note]);
      if (action === 'flash') session.update('flash', (all = []) => [...all, note]);
      if (action === 'take') taken.push(...(session.take('flash') ?? []));
      if (action === 'look') session.get('notes');
      if (action === 'rotate') session.rotate();
      if (action === 'remember') session.remember(!remember);
      if (action === 'note') noted.push(note);
      if (action === 'flash') flashed.push(note);
      if (action === 'save') await session.save();
      // Nothing may be changed before it has come back, so it is the last thing that this handler does.
      if (action === 'save unawaited') {
        void session.save();
        break;
      }
    }
    const lines = await end();
    await scheduler.schedule(Promise.resolve(), 'the answer travels');
    receive(ann.cookies, lines);
  });
  await scheduler.waitFor(Promise.all(under));

  environment.advance('1m');
  const seen = await ann.visit((session) => ({ user: session.user, ...session.data }));
  expect(seen.user).toBe('ann');
  expect([...(seen.notes ?? [])].sort()).toEqual([...noted].sort());
  for (const [r, { actions }] of requests.entries()) if (isOwning(actions)) expect(seen).toHaveProperty(`own${r}`);
  expect([...taken, ...(seen.flash ?? [])]).toEqual(expect.arrayContaining(flashed));
  let count = 0;
  for await (const _ of store.list()) count++;
  expect(count).toBe(1);
}

function isOwning(actions: readonly Action[]): boolean {
  const last = actions.indexOf('save unawaited');
  return (last === -1 ? actions : actions.slice(0, last)).includes('own');
}

function receive(cookies: Map<string, string>, lines: readonly HeaderLine[]): void {
  for (const [name, value] of lines) {
    const [, cookie, token] = /^([^=]+)=([^;]+)/.exec(name === 'Set-Cookie' ? value : '') ?? [];
    if (cookie !== undefined && token !== undefined) cookies.set(cookie, token);
  }
}
