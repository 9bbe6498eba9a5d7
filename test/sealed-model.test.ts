/**
 * Sessions in cookies against a plain retelling: one browser, many requests at once, answers in any order, on one server.
 *
 * The plain world has one session. A request that ends applies what it wanted to it, as of that moment: an update runs on the
 * present value, a set replaces it. A login or a logout makes all requests that began before it count for nothing. Whatever cookie
 * the browser is left with, and in whatever order the answers came, its next request must see that one session.
 */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { encrypted, memory, type Session, type Sessions, sessions } from 'sojourn';
import { controllableClock } from 'sojourn/testing';
import { expect, test } from 'vitest';
import { runs } from './support/exam.js';
import { request } from './support/visitor.js';

type Fields = Record<'a' | 'b' | 'c', number>;
type Field = keyof Fields;

type Deed =
  | { readonly do: 'set' | 'add'; readonly field: Field; readonly n: number }
  | { readonly do: 'delete' | 'take'; readonly field: Field }
  | { readonly do: 'login'; readonly user: 'ann' | 'bob' }
  | { readonly do: 'destroy' };
type Step =
  | { readonly step: 'begin' }
  | { readonly step: 'deed'; readonly of: number; readonly deed: Deed }
  | { readonly step: 'end'; readonly of: number }
  | { readonly step: 'deliver'; readonly of: number }
  | { readonly step: 'pass'; readonly ms: number };

const field = fc.constantFrom<Field>('a', 'b', 'c');
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('set', 'add'), field, n: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('delete', 'take'), field }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('login'), user: fc.constantFrom('ann', 'bob') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy') }) },
) as fc.Arbitrary<Deed>;
const of = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ step: fc.constant('begin') }) },
  { weight: 6, arbitrary: fc.record({ step: fc.constant('deed'), of, deed }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('end'), of }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('deliver'), of }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('pass'), ms: fc.integer({ min: 1, max: 5000 }) }) },
) as fc.Arbitrary<Step>;

/** What a request wants, as the plain world carries it out when the request ends. */
interface Open {
  readonly session: Session<Fields>;
  readonly era: number;
  readonly wishes: Deed[];
  /** Signed in or out: it has become the beginning of another session, and is alone from here on. */
  isOver: boolean;
}

class PlainWorld {
  fields: Partial<Fields> = {};
  user: string | undefined;
  /** Raised by every login and logout. */
  era = 0;

  end({ era, wishes }: Open): void {
    if (era !== this.era) return;
    for (const wish of wishes) this.#carryOut(wish);
  }

  #carryOut(wish: Deed): void {
    switch (wish.do) {
      case 'set':
        this.fields[wish.field] = wish.n;
        return;
      case 'add':
        this.fields[wish.field] = (this.fields[wish.field] ?? 0) + wish.n;
        return;
      case 'delete':
      case 'take':
        delete this.fields[wish.field];
        return;
      case 'login':
        if (this.user !== undefined && this.user !== wish.user) this.fields = {};
        this.user = wish.user;
        this.era++;
        return;
      case 'destroy':
        this.fields = {};
        this.user = undefined;
        this.era++;
    }
  }
}

function apply(session: Session<Fields>, wish: Deed): void {
  if (wish.do === 'set') session.set(wish.field, wish.n);
  else if (wish.do === 'add') session.update(wish.field, (present = 0) => present + wish.n);
  else if (wish.do === 'delete') session.delete(wish.field);
  else if (wish.do === 'take') session.take(wish.field);
  else if (wish.do === 'login') session.login(wish.user);
  else session.destroy();
}

async function play(
  steps: readonly Step[],
  s: Sessions<Fields, unknown>,
  advance: (ms: number) => void,
): Promise<void> {
  const world = new PlainWorld();
  let cookie: string | undefined;
  const open: Open[] = [];
  const answers: (readonly string[])[] = [];
  const receive = (lines: readonly string[]): void => {
    for (const line of lines) {
      const [pair = ''] = line.split(';', 1);
      cookie = line.includes('Max-Age=0') ? undefined : pair;
    }
  };
  const end = async (one: Open): Promise<readonly string[]> => {
    const lines = await s.save(one.session);
    world.end(one);
    return lines.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value);
  };
  // There is a session from the start: what begins several times at once is several sessions, in a store as well.
  const first = await s.open(request(undefined));
  first.set('a', 1);
  world.fields.a = 1;
  receive((await s.save(first)).filter(([name]) => name === 'Set-Cookie').map(([, value]) => value));

  for (const each of steps) {
    if (each.step === 'begin') {
      if (cookie === undefined) break;
      open.push({ session: await s.open(request(cookie)), era: world.era, wishes: [], isOver: false });
    } else if (each.step === 'pass') advance(each.ms);
    else if (each.step === 'deliver') {
      const [lines] = answers.splice(each.of, 1);
      if (lines !== undefined) receive(lines);
    } else {
      const one = open[each.of];
      if (one === undefined) continue;
      if (each.step === 'end') {
        open.splice(each.of, 1);
        answers.push(await end(one));
      } else if (!one.isOver) {
        apply(one.session, each.deed);
        one.wishes.push(each.deed);
        one.isOver = each.deed.do === 'login' || each.deed.do === 'destroy';
      }
      // A sign-in or sign-out is answered at once, and the browser has its cookie: who asks again with the old one is nobody.
      if (one.isOver && each.step === 'deed') {
        open.splice(open.indexOf(one), 1);
        receive(await end(one));
        // Answers that are on their way still carry the old session's cookie: the next request would show that.
        answers.length = 0;
      }
    }
  }
  for (const lines of answers) receive(lines);
  const last = await s.open(request(cookie));
  const seen = Object.fromEntries([...last.keys()].map((name) => [name, last.get(name)]));
  if (cookie !== undefined) expect({ user: last.user, ...seen }).toEqual({ user: world.user, ...world.fields });
}

const RUNS = runs(1500, 40_000);

test.each([
  ['alone', {}],
  ['with revocations', { revocations: memory }],
] as const)(
  `${RUNS} scripts, %s: one browser sees one session, in whatever order the answers come`,
  async (_, more) => {
    const seal = encrypted({ keys: [randomBytes(32)] });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = controllableClock();
        const revocations = 'revocations' in more ? { revocations: more.revocations({ now: clock.now }) } : {};
        const s = sessions<Fields>({ seal, environment: clock, ...revocations } as never);
        await play(steps, s, (ms) => clock.advance(ms));
      }),
      { numRuns: RUNS },
    );
  },
  900_000,
);
