/**
 * Random walks: the store and the rule of `commit` (`apply` in core/delta.ts) do the same steps and must agree on every answer.
 *
 * The other tests name the rules one by one; this one finds the combinations that nobody thought of. The steps come from a
 * seed, so that a failure comes again, and the message tells the steps that led to it.
 */
import { createHash } from 'node:crypto';
import type { Delta, Store, Stored, Write } from '../../contract.js';
import { apply } from '../../core/delta.js';
import { controllableClock } from '../clock.js';
import { bytes, deltaOf, freshId, HOUR_MS, same, sessionOf } from './samples.js';
import type { Kit } from './scene.js';

/** One walk for so many rounds of a race: both say how patient the author is. */
const ROUNDS_PER_WALK = 8;
const STEPS = 60;
/** How many of the last steps a failure tells. */
const TOLD_STEPS = 8;

export function model(kit: Kit): void {
  kit.group('random walks', () => {
    kit.promise(
      'the store agrees with the rule of commit after every step of a random walk',
      'the five steps of `apply`, in their order; the last step told below is the one where the store went its own way',
      async ({ store, now, settings }) => {
        const walks = Math.ceil(settings.races / ROUNDS_PER_WALK);
        for (let seed = 1; seed <= walks; seed++) await walk(store, now, seed);
      },
    );
  });
}

async function walk(store: Store, now: () => number, seed: number): Promise<void> {
  const dice = rolling(seed);
  const ids = [freshId(), freshId()];
  const expected = new Map<string, Stored>();
  const told: string[] = [];
  for (const id of ids) {
    const stored = sessionOf(now(), new Map([[dice.field(), dice.value()]]), { secret: dice.value() });
    expected.set(id, stored);
    same(await store.create(id, stored), 'ok', 'create under a fresh id');
  }
  for (let step = 0; step < STEPS; step++) {
    const id = dice.one(ids);
    const where = (): string => `walk ${seed}, step ${step}, after ${told.slice(-TOLD_STEPS).join('; ')}`;
    if (dice.below(40) === 0) {
      told.push(`destroy(${ids.indexOf(id)})`);
      await store.destroy(id);
      expected.delete(id);
    } else {
      const change = dice.delta(now(), expected.get(id));
      told.push(tell(ids.indexOf(id), change));
      const [outcome, next] = apply(expected.get(id) ?? null, change, now());
      if (next) expected.set(id, next);
      same(await store.commit(id, change), outcome, `the outcome of the commit in ${where()}`);
    }
    same(await store.load(id), expected.get(id) ?? null, `the session in ${where()}`);
  }
}

interface Dice {
  below(limit: number): number;
  one<T>(choices: readonly T[]): T;
  field(): string;
  value(): Uint8Array;
  delta(nowMs: number, stored: Stored | undefined): Delta;
}

/** Few fields and few values, so that steps meet each other often. */
function rolling(seed: number): Dice {
  const { random } = controllableClock(0, { seed });
  const below = (limit: number): number => Buffer.from(random(4)).readUInt32BE() % limit;
  const one = <T>(choices: readonly T[]): T => choices[below(choices.length)]!;
  const field = (): string => one(['a', 'b', 'c']);
  const value = (): Uint8Array => bytes(one(['', '1', '2']));
  const write = (stored: Stored | undefined, name: string): Write => {
    if (below(3) === 0) return one<Write>([{ op: 'delete' }, { op: 'set', value: value() }]);
    const right = stored?.fields.get(name) ?? null;
    return { op: 'swap', expect: below(4) === 0 ? one([null, value()]) : right, value: one([null, value(), value()]) };
  };
  return {
    below,
    one,
    field,
    value,
    delta(nowMs, stored) {
      const names = Array.from({ length: below(4) }, field);
      const head = stored?.head;
      return deltaOf(nowMs, new Map(names.map((name) => [name, write(stored, name)])), {
        generation: (head?.generation ?? 0) + (below(10) === 0 ? 1 : 0),
        ...(below(5) === 0 && { replaces: below(3) === 0 || !head?.secret ? value() : head.secret }),
        head: {
          expiresAt: nowMs + HOUR_MS + below(HOUR_MS),
          ...(below(4) === 0 && { secret: value() }),
          ...(below(8) === 0 && { remember: below(2) === 0 }),
          ...(below(8) === 0 && {
            user: one(['alice', 'bob']),
            signedInAt: nowMs,
            generation: (head?.generation ?? 0) + 1,
          }),
        },
      });
    },
  };
}

/** One step in a line: operations and names, and a short mark of the whole, never the values. */
function tell(index: number, change: Delta): string {
  const fields = [...change.fields].map(([name, write]) => `${write.op} ${name}`).join(', ');
  const mark = createHash('sha256')
    .update(JSON.stringify([...change.fields]))
    .digest('hex')
    .slice(0, 4);
  const head = Object.keys(change.head).filter((name) => name !== 'expiresAt');
  return `commit(${index}: ${fields || 'touch'}; head ${head.join(', ') || 'deadline'}${change.replaces ? '; replaces' : ''} #${mark})`;
}
