/**
 * What an outsider tries on sessions in cookies: parts that are cut, mixed or planted, keys that come and go, clocks that disagree.
 * The bytes of a token are the business of src/seals; here it is what a visitor and whoever wishes him ill get to see.
 */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { cookie, encrypted, memory, type Sealer, sessions, signed } from 'sojourn';
import { controllableClock } from 'sojourn/testing';
import { describe, expect, test } from 'vitest';
import { runs } from './support/exam.js';
import { request, visitor } from './support/visitor.js';

interface Fields {
  views: number;
  big: string;
}
const NAME = '__Host-sid';
const RUNS = runs(150, 5000);
const key = (): Buffer => randomBytes(32);
const noise = (length: number): string => randomBytes(length).toString('base64url').slice(0, length);

/** One server: what it told is there to be looked at. */
function server(seal: Sealer, options: object = {}) {
  const refused: string[] = [];
  const s = sessions<Fields>({ seal, transport: cookie({ parts: 3 }), ...options });
  s.on('refused', ({ reason }) => void refused.push(reason));
  const userOf = async (header: string): Promise<string | undefined> => (await s.open(request(header))).user;
  return { s, refused, userOf };
}

/** Somebody who is signed in, with a session of three cookies: what his browser sends. */
async function parts(s: ReturnType<typeof server>['s'], user: string): Promise<readonly string[]> {
  const one = visitor(s);
  await one.visit((session) => {
    session.login(user);
    session.set('big', noise(8000));
  });
  expect(one.cookies.size).toBe(3);
  return [...one.cookies].map(([name, value]) => `${name}=${value}`);
}

describe.each([
  ['encrypted', encrypted],
  ['signed', signed],
] as const)('%s, in three cookies', (_, seal) => {
  test('each part cut anywhere, emptied, doubled or left out: a stranger, and no error', async () => {
    const { s, userOf, refused } = server(seal({ keys: [key()] }));
    const ann = await parts(s, 'ann');
    expect(await userOf(ann.join('; '))).toBe('ann');
    for (const [i, part] of ann.entries()) {
      const value = part.indexOf('=') + 1;
      const cuts = Array.from({ length: 40 }, (_, n) => value + Math.floor(((part.length - value) * n) / 40));
      const broken = [...cuts, part.length - 1].map((at) => part.slice(0, at));
      broken.push(part + part.slice(value), `${part}A`, part.replace('=', '="').concat('"'), 'x=y');
      for (const one of broken) {
        const header = ann.map((each, n) => (n === i ? one : each)).join('; ');
        expect(await userOf(header), one.slice(0, 20)).toBeUndefined();
      }
    }
    expect(new Set(refused)).toEqual(new Set(['malformed']));
    expect(await userOf(ann.join('; '))).toBe('ann');
  });

  test('parts of two people never make a third, and nobody becomes the other', async () => {
    const { s, userOf } = server(seal({ keys: [key()] }));
    const people = [await parts(s, 'ann'), await parts(s, 'bob')];
    for (let mix = 0; mix < 8; mix++) {
      const chosen = [0, 1, 2].map((i) => (mix >> i) & 1);
      const header = chosen.map((who, i) => people[who]![i]).join('; ');
      const isWhole = new Set(chosen).size === 1;
      expect(await userOf(header)).toBe(isWhole ? ['ann', 'bob'][chosen[0]!] : undefined);
    }
  });
});

describe('cookies of the same names, under another path or planted by a neighbour', () => {
  const orders = [
    [0, 1],
    [1, 0],
  ] as const;
  const mixed = (first: readonly string[], second: readonly string[], headFirst: boolean): string =>
    headFirst ? [...first, ...second].join('; ') : first.flatMap((part, i) => [part, second[i]!]).join('; ');

  test('a whole session in front of the own one: neither, in whatever order they come', async () => {
    const { s, userOf, refused } = server(encrypted({ keys: [key()] }));
    const both = [await parts(s, 'ann'), await parts(s, 'mallory')] as const;
    for (const [a, b] of orders) {
      for (const headFirst of [true, false])
        expect(await userOf(mixed(both[a], both[b], headFirst)), `${a} ${headFirst}`).toBeUndefined();
    }
    expect(refused).toEqual(Array(4).fill('ambiguous'));
  });

  test('rubbish in front of some part, or behind it: the own session all the same', async () => {
    const { s, userOf } = server(encrypted({ keys: [key()] }));
    const ann = await parts(s, 'ann');
    for (const [i, part] of ann.entries()) {
      const rubbish = `${part.slice(0, part.indexOf('='))}=${noise(50)}`;
      expect(await userOf([rubbish, ...ann].join('; ')), `${i}`).toBe('ann');
      expect(await userOf([...ann, rubbish].join('; ')), `${i}`).toBe('ann');
    }
  });

  test('an older state of the same session, left over under an old path: the newer one', async () => {
    const seal = encrypted({ keys: [key()] });
    const { s } = server(seal);
    const ann = visitor(s);
    const states: (readonly string[])[] = [];
    for (const views of [1, 2]) {
      await ann.visit((session) => {
        session.set('views', views);
        session.set('big', noise(8000));
      });
      states.push([...ann.cookies].map(([name, value]) => `${name}=${value}`));
    }
    for (const [a, b] of orders) {
      const elsewhere = server(seal).s;
      expect((await elsewhere.open(request(mixed(states[a]!, states[b]!, true)))).get('views')).toBe(2);
    }
  });

  test('a thousand parts of one name cost what two cost', async () => {
    const { s, userOf, refused } = server(encrypted({ keys: [key()] }));
    const ann = await parts(s, 'ann');
    const heads = Array.from({ length: 1000 }, () => ann[0]!.slice(0, -1) + noise(1));
    const tails = Array.from({ length: 1000 }, () => `${NAME}-1=${noise(4000)}`);
    expect(await userOf([...heads, ...tails, ann[2]].join('; '))).toBeUndefined();
    expect(refused).toEqual(['malformed']);
  });
});

describe('keys', () => {
  test.each([
    ['encrypted', encrypted],
    ['signed', signed],
  ] as const)('%s: two keys in a row are changed on half of the servers, then on all: 0 logouts', async (_, seal) => {
    const clock = controllableClock();
    const [first, second, third] = [key(), key(), key()];
    const running = (...keys: Buffer[]) => server(seal({ keys }), { environment: clock }).s;
    const visitors = Array.from({ length: 4 }, (_, i) => ({ name: `user ${i}`, cookies: new Map<string, string>() }));
    const begun = running(first);
    for (const { name, cookies } of visitors) await visitor(begun, cookies).visit((session) => session.login(name));
    /** Each step on half of the servers first: everybody meets both halves, and writes on both. */
    const steps = [
      [first],
      [first, second],
      [second, first],
      [second, first, third],
      [third, second, first],
      [third, second],
    ];
    for (const [i, keys] of steps.slice(1).entries()) {
      const halves = [running(...steps[i]!), running(...keys), running(...steps[i]!), running(...keys)];
      for (const { name, cookies } of visitors) {
        for (const half of halves) {
          const user = await visitor(half, cookies).visit((session) => {
            session.update('views', (n = 0) => n + 1);
            return session.user;
          });
          expect(user).toBe(name);
        }
      }
    }
    const sealedLast = seal({ keys: [third] });
    for (const { cookies } of visitors) expect(sealedLast.unseal(cookies.get(NAME)!, NAME)).not.toBeNull();
    const all = await visitor(running(third), visitors[0]!.cookies).visit((session) => session.get('views'));
    expect(all).toBe(20);
  });
});

describe('clocks', () => {
  test('servers that are 59 seconds apart serve each other; two minutes apart they do not, and leave the cookie', async () => {
    const seal = encrypted({ keys: [key()] });
    const at = Date.UTC(2026, 0, 1);
    const ahead = server(seal, { environment: controllableClock(at) });
    const ann = visitor(ahead.s);
    await ann.visit((session) => session.login('ann'));
    const behind = server(seal, { environment: controllableClock(at - 59_000) });
    expect(await behind.userOf(ann.header!)).toBe('ann');
    const farBehind = server(seal, { environment: controllableClock(at - 120_000) });
    const { result, lines } = await visitor(farBehind.s, new Map(ann.cookies)).ask((session) => session.user);
    expect([result, lines, farBehind.refused]).toEqual([undefined, [['Vary', 'Cookie']], ['skew']]);
  });
});

describe('size', () => {
  test('the longest name that there may be leaves every part within 4096 bytes', async () => {
    const name = `__Host-${'n'.repeat(249)}`;
    const s = sessions<Fields>({ seal: encrypted({ keys: [key()] }), transport: cookie({ name, parts: 3 }) });
    const ann = visitor(s);
    const big = noise(8000);
    await ann.visit((session) => session.set('big', big));
    expect([...ann.cookies].map(([each, value]) => each.length + value.length <= 4096)).toEqual([true, true, true]);
    expect(await ann.visit((session) => session.get('big'))).toBe(big);
    expect(() => cookie({ name: `${name}n` })).toThrow(/name of cookie/);
  });
});

describe('a copy of a cookie', () => {
  test('sparing one session spares its copies; ending all and signing in again does not', async () => {
    const revocations = memory();
    const seal = encrypted({ keys: [key()] });
    const s = sessions<Fields, typeof revocations>({ seal, revocations });
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const thief = visitor(s, new Map(ann.cookies));
    await ann.visit((session) => s.revoke('ann', { except: session.id }));
    expect(await thief.visit((session) => session.user)).toBe('ann');
    await ann.visit(async (session) => {
      await s.revoke('ann');
      session.login('ann');
    });
    expect(await ann.visit((session) => session.user)).toBe('ann');
    const elsewhere = sessions<Fields, typeof revocations>({ seal, revocations });
    for (const each of [s, elsewhere])
      expect(await visitor(each, new Map(thief.cookies)).visit((session) => session.user)).toBeUndefined();
  });
});

describe('one anonymous session in two browsers, and each of them signs in', () => {
  /** Mallory visits the shop, leaves his cookie in the browser of ann, and signs in elsewhere himself. */
  async function planted() {
    const seal = encrypted({ keys: [key()] });
    const clock = controllableClock();
    const here = server(seal, { environment: clock });
    const elsewhere = server(seal, { environment: clock });
    const ann = visitor(here.s);
    await ann.visit((session) => session.set('views', 0));
    const mallory = visitor(elsewhere.s, new Map(ann.cookies));
    await mallory.visit((session) => session.login('mallory'));
    clock.advance(1000);
    await ann.visit((session) => session.login('ann'));
    const annWrites = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) await ann.visit((session) => session.update('views', (n = 0) => n + 1));
    };
    return { here, elsewhere, ann, annWrites, mallory };
  }

  test.each([0, 1, 5, 100])('he never becomes her, however much she wrote meanwhile: %i times', async (times) => {
    const { here, ann, annWrites, mallory } = await planted();
    await annWrites(times);
    const intruder = visitor(here.s, new Map(mallory.cookies));
    expect(await intruder.visit((session) => [session.user, session.get('views')])).toEqual(['mallory', 0]);
    await intruder.visit((session) => session.set('big', 'his'));
    expect(await intruder.visit((session) => session.user)).toBe('mallory');
    expect(await ann.visit((session) => [session.user, session.get('views'), session.get('big')])).toEqual([
      'ann',
      times,
      undefined,
    ]);
  });

  test.each([0, 100])('nor when he signed in again and again, or wrote more than she did: %i times', async (times) => {
    const { here, elsewhere, ann, annWrites, mallory } = await planted();
    const busy = visitor(elsewhere.s, mallory.cookies);
    for (let i = 0; i < 5; i++) await busy.visit((session) => session.login('mallory'));
    for (let i = 0; i < times; i++) await busy.visit((session) => session.update('views', (n = 0) => n + 1));
    await annWrites(80);
    const intruder = visitor(here.s, new Map(mallory.cookies));
    expect(await intruder.visit((session) => session.user)).toBe('mallory');
    await intruder.visit((session) => session.set('big', 'his'));
    expect(await ann.visit((session) => [session.user, session.get('views')])).toEqual(['ann', 80]);
  });

  test('his slow request lands on his own state, and hers on hers', async () => {
    for (const isHisFirst of [true, false]) {
      const { here, ann, mallory } = await planted();
      const intruder = visitor(here.s, new Map(mallory.cookies));
      const slow = await (isHisFirst ? intruder : ann).begin();
      const quick = isHisFirst ? ann : intruder;
      await quick.visit((session) => session.update('views', () => (isHisFirst ? 10 : 66)));
      slow.session.update('views', (n = 0) => n + 1);
      await slow.end();
      expect(await intruder.visit((session) => [session.user, session.get('views')])).toEqual([
        'mallory',
        isHisFirst ? 1 : 66,
      ]);
      expect(await ann.visit((session) => [session.user, session.get('views')])).toEqual(['ann', isHisFirst ? 10 : 1]);
    }
  });

  test('nor by saving on the way, with nothing to save, while she writes', async () => {
    const { here, ann, annWrites, mallory } = await planted();
    const intruder = visitor(here.s, new Map(mallory.cookies));
    const slow = await intruder.begin();
    await annWrites(1);
    expect(await slow.session.save()).toBe('ok');
    slow.session.set('big', 'his');
    await slow.end();
    expect(await intruder.visit((session) => [session.user, session.get('big')])).toEqual(['mallory', 'his']);
    expect(await ann.visit((session) => [session.user, session.get('big')])).toEqual(['ann', undefined]);
  });

  test(`whatever three people with one planted cookie do on three servers: nobody ever meets another, ${RUNS} times`, async () => {
    const deeds = fc.constantFrom(
      'write',
      'write',
      'begin',
      'begin',
      'end',
      'save on the way',
      'sign in',
      'replay',
      'sign out',
    );
    const step = fc.record({
      who: fc.nat(2),
      on: fc.constantFrom(0, 0, 0, 1),
      does: deeds,
      seconds: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 61),
    });
    await fc.assert(
      fc.asyncProperty(fc.nat(7), fc.array(step, { maxLength: 30 }), async (signedIn, steps) => {
        const [seal, clock] = [encrypted({ keys: [key()] }), controllableClock()];
        const options = { environment: clock, transport: cookie() };
        const servers = [server(seal, options).s, server(seal, options).s, server(seal, options).s];
        const planter = visitor(servers[0]!);
        await planter.visit((session) => session.set('views', 0));
        const people = ['ann', 'bob', 'mallory'].map((name) => ({
          name,
          cookies: new Map(planter.cookies),
          older: [new Map(planter.cookies)],
          slow: undefined as Awaited<ReturnType<typeof planter.begin>> | undefined,
        }));
        /** Each on a server of his own, which knows nothing of the others. */
        for (const [i, { name, cookies }] of people.entries())
          if ((signedIn >> i) & 1) await visitor(servers[i]!, cookies).visit((session) => session.login(name));
        for (const { who, on, does, seconds } of steps) {
          const person = people[who]!;
          const browser = visitor(servers[on]!, person.cookies);
          if (seconds > 0) clock.advance(seconds * 1000);
          /** In `big` stands who wrote it, and nobody writes it before he is signed in. */
          const look = (session: Awaited<ReturnType<typeof planter.begin>>['session']): void => {
            expect([undefined, person.name]).toContain(session.user);
            expect([undefined, session.user]).toContain(session.get('big'));
          };
          const write = (session: Parameters<typeof look>[0]): void => {
            look(session);
            session.update('views', (n = 0) => n + 1);
            if (session.user !== undefined) session.set('big', person.name);
          };
          if (does === 'write') await browser.visit(write);
          if (does === 'sign in') await browser.visit((session) => session.login(person.name));
          if (does === 'sign out') await browser.visit((session) => session.destroy());
          if (does === 'begin') person.slow ??= await browser.begin();
          if (does === 'save on the way') await person.slow?.session.save();
          if (does === 'end' && person.slow !== undefined) {
            write(person.slow.session);
            await person.slow.end();
            person.slow = undefined;
          }
          if (does === 'replay')
            await visitor(servers[on]!, new Map(person.older[seconds % person.older.length])).visit(write);
          else person.older.unshift(new Map(person.cookies));
        }
      }),
      { numRuns: RUNS },
    );
  });

  test('with the cookies of both in one request it is neither', async () => {
    const { here, ann, mallory } = await planted();
    const pair = [ann.header, visitor(here.s, mallory.cookies).header];
    for (const header of [pair.join('; '), pair.reverse().join('; ')])
      expect(await here.userOf(header)).toBeUndefined();
  });
});
