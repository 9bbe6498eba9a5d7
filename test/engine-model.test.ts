/** The whole engine against a plain retelling of its rules: random browsers, overlapping requests, lost answers, a moving clock. */
import fc from 'fast-check';
import type { Indexed, Store } from 'sojourn';
import { memory, sessions, type } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { controllableClock } from 'sojourn/testing';
import { expect, test } from 'vitest';
import { json } from '../src/codecs/json.js';
import { type Data, OPTIONS, play, type Stage } from './engine/play.js';
import { script } from './engine/script.js';
import { runs } from './support/exam.js';
import { tempFolder } from './support/temp.js';

type Kept = Store & Indexed;

function stageOn(makeStore: (now: () => number) => Kept): Stage {
  const clock = controllableClock();
  const store = makeStore(clock.now);
  let writes = 0;
  const counted = new Proxy(store, {
    get(target, verb) {
      const value = Reflect.get(target, verb) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (verb === 'create' || verb === 'commit' || verb === 'destroy') writes++;
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
  const codec = json();
  const s = sessions<Data, Kept>({ ...OPTIONS, data: type<Data>(), store: counted, codec, environment: clock });
  return { s, store, codec, clock, writes: () => writes };
}

const ON_MEMORY = runs(2000, 50_000);
const ON_LMDB = runs(150, 3000);

test(`${ON_MEMORY} scripts: the engine does what the plain world does, on memory`, async () => {
  await fc.assert(
    fc.asyncProperty(script, (steps) =>
      play(
        stageOn((now) => memory({ now })),
        steps,
      ),
    ),
    { numRuns: ON_MEMORY },
  );
}, 900_000);

test(`${ON_LMDB} scripts: and on LMDB`, async () => {
  const stage = stageOn((now) => lmdb(tempFolder(), { now, durable: false }));
  await fc.assert(
    fc.asyncProperty(script, (steps) => play(stage, steps)),
    { numRuns: ON_LMDB },
  );
  expect(stage.writes()).toBeGreaterThan(ON_LMDB);
  await stage.s.close();
}, 900_000);
