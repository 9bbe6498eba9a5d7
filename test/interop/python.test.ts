/**
 * A thousand random sessions both ways between us and the Python libraries that are installed: same JSON, same values, same verdicts.
 *
 * The seed is drawn anew each time and stands in the message of what fails; SOJOURN_SEED repeats it.
 */
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cookieValue } from '../../src/compat/flask/cookie-value.js';
import { readPickle } from '../../src/compat/flask/pickle-read.js';
import { writePickle } from '../../src/compat/flask/pickle-write.js';
import type { Dict } from '../../src/compat/flask/python.js';
import { writeTagged } from '../../src/compat/flask/tagged-json.js';
import { runs } from '../support/exam.js';
import { need } from '../support/needs.js';
import { askPeer } from './peer.js';
import { python, shown, type Typed } from './typed.js';

const SEED = Number(process.env.SOJOURN_SEED ?? Math.floor(Math.random() * 2 ** 31));
const COUNT = runs(1000, 10_000);
const PICKLES = runs(300, 10_000);

/** Python's values in the notation of the vectors. `everything`: also what a cookie cannot hold exactly. */
function sessionsOf(everything: boolean): Typed[] {
  const tagged = ($: string, v: fc.Arbitrary<Typed>) => v.map((each): Typed => ({ $, v: each }));
  const base64 = fc.uint8Array({ maxLength: 40 }).map((bytes): Typed => Buffer.from(bytes).toString('base64'));
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ maxLength: 60 }),
    fc.constantFrom(' t', ' di', ' b__', '__proto__', '_permanent', '\x7f', '\u2028', '</script>', 'a'.repeat(300)),
  );
  const day = fc.date({ min: new Date('1600-01-01'), max: new Date('9000-01-01'), noInvalidDate: true });
  const iso = day.map((date) => date.toISOString().slice(0, 19));
  const floatText = fc.double().map((each): Typed => {
    if (Number.isNaN(each)) return 'nan';
    return Number.isFinite(each) ? String(Object.is(each, -0) ? '-0.0' : each) : each > 0 ? 'inf' : '-inf';
  });
  const exact: fc.Arbitrary<Typed>[] = [
    fc.constantFrom<Typed>(null, true, false),
    fc.maxSafeInteger(),
    tagged('int', fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }).map(String)),
    tagged('float', floatText),
    text,
    tagged('bytes', base64),
    tagged('uuid', fc.uuid()),
    tagged('markup', text),
    tagged(
      'datetime',
      iso.map((each) => `${each}+00:00`),
    ),
  ];
  const more: fc.Arbitrary<Typed>[] = [
    tagged(
      'datetime',
      fc.tuple(iso, fc.constantFrom('', '.000001', '.987654', '+05:30', '-11:00')).map((each) => each.join('')),
    ),
    tagged('bytearray', base64),
    tagged(
      'decimal',
      fc.tuple(fc.integer(), fc.nat(10 ** 6)).map(([whole, rest]) => `${whole}.${rest}`),
    ),
    tagged(
      'date',
      iso.map((each) => each.slice(0, 10)),
    ),
    tagged(
      'timedelta',
      fc
        .tuple(fc.integer({ min: -999_999, max: 999_999 }), fc.nat(86_399), fc.nat(999_999))
        .map((each): Typed => [...each]),
    ),
    tagged('set', fc.uniqueArray(fc.string({ maxLength: 5 }), { maxLength: 5 })),
    tagged('frozenset', fc.uniqueArray(fc.nat(), { maxLength: 5 })),
    tagged(
      'dict',
      fc.uniqueArray(fc.nat(), { maxLength: 4 }).map((keys): Typed => keys.map((key) => [key, 'x'])),
    ),
  ];
  const { value } = fc.letrec<{ value: Typed }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'python' },
      ...exact,
      ...(everything ? more : []),
      fc.array(tie('value'), { maxLength: 4, depthIdentifier: 'python' }),
      tagged('tuple', fc.array(tie('value'), { maxLength: 4, depthIdentifier: 'python' })),
      tagged('dict', dictOf(tie('value'))),
    ),
  }));
  // As entries, so that no key can get lost on its way through an object of ours.
  function dictOf(of: fc.Arbitrary<Typed>): fc.Arbitrary<Typed> {
    return fc
      .uniqueArray(fc.tuple(text, of), { maxLength: 5, selector: ([key]) => key })
      .map((entries): Typed => entries);
  }
  return fc.sample(tagged('dict', dictOf(value)), { numRuns: everything ? PICKLES : COUNT, seed: SEED });
}

const cookies = sessionsOf(false);

const SECRET = 'sojourn-public-secret-1';
const NOW = 1_700_000_000;
const values = cookieValue({ keys: SECRET, epoch: 'unix' });
const jsonOf = (cookie: string) => {
  const [payload = '', more = ''] = cookie.split('.');
  return payload === ''
    ? inflateSync(Buffer.from(more, 'base64url')).toString()
    : Buffer.from(payload, 'base64url').toString();
};

need('flask').describe(`random sessions, seed ${SEED}`, () => {
  test('cookies that Flask writes: same JSON, same values', () => {
    const all = cookies;
    const answers = askPeer(all.map((value) => ({ ask: 'write cookie', secret: SECRET, now: NOW, value })));
    for (const [i, { cookie }] of answers.entries()) {
      const dict = python(all[i]!) as Dict;
      expect(writeTagged(dict)).toBe(jsonOf(cookie!));
      expect(shown(values.read(cookie!, NOW, 60)!.dict)).toBe(shown(dict));
    }
  });

  test('cookies that we write: Flask reads the same values', () => {
    const all = cookies;
    const answers = askPeer(
      all.map((value) => {
        const cookie = values.write(python(value) as Dict, NOW);
        return { ask: 'read cookie', secret: SECRET, now: NOW, max_age: 60, cookie };
      }),
    );
    for (const [i, { value, refused }] of answers.entries()) {
      expect(refused).toBeUndefined();
      expect(shown(python(value!))).toBe(shown(python(all[i]!)));
    }
  });

  test('cookies that somebody has damaged, or that come too late: the same verdicts', () => {
    const all = cookies;
    const chance = fc.sample(fc.tuple(fc.nat(5), fc.nat(), fc.nat(63), fc.integer({ min: -2, max: 62 })), {
      numRuns: COUNT,
      seed: SEED,
    });
    const questions = all.map((value, i) => {
      const [how, at, letter, age] = chance[i]!;
      const good = values.write(python(value) as Dict, NOW);
      const cookie = how === 0 ? good : damaged(good, how, at, letter);
      return { ask: 'read cookie', secret: SECRET, now: NOW + age, max_age: 60, cookie, good };
    });
    let accepted = 0;
    for (const [i, { refused }] of askPeer(questions).entries()) {
      const { cookie, good, now } = questions[i]!;
      const ours = values.read(cookie, now, 60);
      if (refused === undefined) accepted++;
      // Python takes some more spellings of one signature. We take one; and never what Python does not.
      const signed = (text: string) => text.slice(0, text.lastIndexOf('.'));
      if (refused === undefined && ours === null)
        expect([signed(cookie), cookie === good]).toEqual([signed(good), false]);
      else expect([cookie, ours === null]).toEqual([cookie, refused !== undefined]);
    }
    expect(accepted).toBeGreaterThan(COUNT / 20);
    expect(accepted).toBeLessThan(COUNT / 2);
  });

  test('pickles that Python writes, in all protocols', () => {
    const all = sessionsOf(true);
    const answers = askPeer(all.map((value, i) => ({ ask: 'write pickle', value, protocol: i % 6 })));
    for (const [i, { pickle }] of answers.entries())
      expect(shown(readPickle(Buffer.from(pickle!, 'base64')))).toBe(shown(python(all[i]!)));
  });

  test('pickles that we write', () => {
    const all = sessionsOf(true);
    const protocols = [0, 2, 4] as const;
    const answers = askPeer(
      all.map((value, i) => {
        const pickle = writePickle(python(value) as Dict, protocols[i % 3]!).toString('base64');
        return { ask: 'read pickle', pickle };
      }),
    );
    for (const [i, { value, refused }] of answers.entries()) {
      expect(refused).toBeUndefined();
      expect(shown(python(value!))).toBe(shown(python(all[i]!)));
    }
  });
});

function damaged(cookie: string, how: number, at: number, letter: number): string {
  const i = at % cookie.length;
  const other = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[letter]!;
  if (how === 1) return cookie.slice(0, i) + other + cookie.slice(i + 1);
  if (how === 2) return cookie.slice(0, i) + cookie.slice(i + 1);
  if (how === 3) return cookie.slice(0, i) + other + cookie.slice(i);
  if (how === 4) return cookie.slice(0, i);
  return cookie.slice(0, -1) + other;
}
