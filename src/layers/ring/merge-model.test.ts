/**
 * Three copies, each with a server of its own and a clock that is wrong in its own way, against a plain account of what happened.
 *
 * The account is the other way round: it keeps nothing but a list of commits for each copy, and works out from all of them what the
 * session must be. What two copies know together is the union of their lists. So whatever order of commits, merges and lost
 * messages comes up, there is one right answer, and it was not computed by merging.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../../test/support/exam.js';
import type { Delta, Head, Outcome, Write } from '../../contract.js';
import { apply } from '../../core/delta.js';
import { applyTo } from './apply.js';
import { type StampClock, stampClock } from './clock.js';
import { merge, reconcile } from './merge.js';
import { created, ended, newestOf, type Replica, storedOf } from './replica.js';
import { readReplica } from './replica-read.js';
import type { Stamp } from './stamp.js';

const START = Date.UTC(2026, 5);
const IDLE_MS = 60_000;
const MONTH_MS = 30 * 86_400_000;
const FIELDS = ['cart', 'views', 'größe'] as const;

/** Something that was acknowledged: an end, a beginning (creation or login), or a change of what began with `begun`. */
interface Commit {
  readonly stamp: string;
  readonly begun: string;
  readonly generation: number;
  /** The commit that said how long the session lives, as far as this one knew: its deadline is one of that lifetime. */
  readonly lifetime: string;
  readonly kind: 'end' | 'beginning' | 'change';
  readonly head: Partial<Head>;
  readonly fields: ReadonlyMap<string, string | null>;
}

/** What a session is after these commits, in any order. */
interface Account {
  readonly head: Partial<Head>;
  readonly fields: ReadonlyMap<string, string>;
}

function accountOf(commits: Iterable<Commit>): Account | null {
  const all = [...commits].sort((a, b) => (a.stamp < b.stamp ? -1 : 1));
  if (all.some(({ kind }) => kind === 'end')) return null;
  const [first] = all
    .filter(({ kind }) => kind === 'beginning')
    .sort((a, b) => b.generation - a.generation || (a.stamp < b.stamp ? 1 : -1));
  const mine = all.filter(({ begun }) => begun === first!.stamp);
  const proof = mine.findLast(({ head }) => head.secret !== undefined)!.head;
  const { lifetime } = lastLifetime(mine)!;
  const touches = mine.filter((commit) => commit.lifetime === lifetime);
  const fields = new Map<string, string>();
  for (const { fields: writes } of mine) {
    for (const [name, value] of writes) {
      if (value === null) fields.delete(name);
      else fields.set(name, value);
    }
  }
  const { secret, previous } = proof;
  const { user } = first!.head;
  const expiresAt = Math.max(...touches.map(({ head }) => head.expiresAt!));
  const { remember } = lastLifetime(mine)!.head;
  return { head: { secret, previous, user, remember, expiresAt, generation: first!.generation } as Head, fields };
}

/** Of commits in their order the last that said how long the session lives. */
function lastLifetime(commits: readonly Commit[]): Commit | undefined {
  return commits.findLast(({ stamp, lifetime }) => stamp === lifetime);
}

type Wish =
  | { readonly do: 'write'; readonly field: string; readonly how: 'set' | 'delete' | 'update' | 'lost update' }
  | { readonly do: 'touch' | 'rotate' | 'late rotate' | 'login' | 'late write' | 'destroy' | 'remember' | 'forget' };
type Step =
  | { readonly at: number; readonly passMs: number; readonly wish: Wish }
  | { readonly from: number; readonly to: number; readonly how: 'one way' | 'both ways' | 'written down' };

const copyNumber = fc.nat({ max: 2 });
const wish: fc.Arbitrary<Wish> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      field: fc.constantFrom(...FIELDS),
      how: fc.constantFrom(
        'set' as const,
        'set' as const,
        'delete' as const,
        'update' as const,
        'lost update' as const,
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...([
          'touch',
          'touch',
          'rotate',
          'rotate',
          'late rotate',
          'login',
          'late write',
          'remember',
          'forget',
        ] as const),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('touch' as const, 'touch' as const, 'destroy' as const) }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ at: copyNumber, passMs: fc.constantFrom(0, 0, 1, 5000, 11_000), wish }) },
  {
    weight: 2,
    arbitrary: fc.record({
      from: copyNumber,
      to: copyNumber,
      how: fc.constantFrom('one way' as const, 'both ways' as const, 'written down' as const),
    }),
  },
);

/** The three copies, what is known of each, and all secrets that were ever given out. */
class World {
  now = START;
  serial = 0;
  readonly clocks: StampClock[] = [0, -4000, 20_000].map((wrongMs, i) => stampClock(() => this.now + wrongMs, i + 1));
  readonly copies: Replica[] = [];
  readonly known: Set<Commit>[] = [];
  /** Secret -> the beginning under which it was given out. */
  readonly givenUnder = new Map<string, string>();

  constructor() {
    const stamp = this.clocks[0]!.stamp();
    const head: Head = {
      createdAt: START,
      expiresAt: START + IDLE_MS,
      version: 1,
      generation: 0,
      secret: this.newSecret(text(stamp)),
    };
    const fields = new Map([['cart', 'begin']]);
    const at = text(stamp);
    const first: Commit = { stamp: at, begun: at, lifetime: at, generation: 0, kind: 'beginning', head, fields };
    for (let i = 0; i < 3; i++) {
      this.copies.push(created({ head, fields: new Map([...fields].map(([k, v]) => [k, Buffer.from(v)])) }, stamp));
      this.known.push(new Set([first]));
    }
  }

  commit(at: number, wanted: Wish): void {
    const one = this.copies[at]!;
    const stamp = this.clocks[at]!.after(newestOf(one));
    if (wanted.do === 'destroy') {
      if (one.kind === 'live') this.learn(at, { kind: 'end', head: {}, fields: new Map() }, stamp);
      this.copies[at] = ended(one, stamp, this.now);
      return;
    }
    const delta = this.deltaOf(one, wanted, text(stamp));
    const before = accountOf(this.known[at]!);
    const [outcome, next] = applyTo(one, delta, stamp, this.now);
    const [expected] = apply(before && asStored(before), delta, this.now);
    expect(plain(outcome)).toEqual(plain(expected));
    if (next === null) return;
    this.copies[at] = next;
    const fields = new Map<string, string | null>();
    if (wanted.do === 'login') for (const [name, value] of before!.fields) fields.set(name, value);
    for (const [name, write] of delta.fields) fields.set(name, write.op === 'delete' ? null : String(write.value));
    const { remember } = { ...before!.head, ...delta.head };
    const head = wanted.do === 'login' && remember !== undefined ? { ...delta.head, remember } : delta.head;
    this.learn(at, { kind: wanted.do === 'login' ? 'beginning' : 'change', head, fields }, stamp);
  }

  merge(from: number, to: number, how: 'one way' | 'both ways' | 'written down'): void {
    const rule = how === 'one way' ? merge : reconcile;
    const versions = [this.version(from), this.version(to)];
    const { replica } = rule(this.copies[to]!, this.copies[from]!);
    this.copies[to] = how === 'written down' ? readReplica(Buffer.from(replica.bytes)) : replica;
    for (const commit of this.known[from]!) this.known[to]!.add(commit);
    if (how !== 'one way') {
      this.copies[from] = this.copies[to]!;
      this.known[from] = new Set(this.known[to]);
    }
    expect(this.version(to)).toBeGreaterThanOrEqual(Math.max(...versions));
  }

  /** What holds at every moment, on every copy. */
  check(): void {
    for (const [i, copy] of this.copies.entries()) {
      const account = accountOf(this.known[i]!);
      const stored = storedOf(copy);
      expect(stored === null).toBe(account === null);
      if (stored === null || account === null) continue;
      const { head, fields } = stored;
      expect(texts(fields)).toEqual(texts(account.fields));
      expect(shown(head, this.now)).toEqual(shown(account.head, this.now));
      const begun = text((copy as Replica & { kind: 'live' }).stamps.begun);
      expect(this.givenUnder.get(text(head.secret!))).toBe(begun);
      if (head.previous?.opens === 'session') expect(this.givenUnder.get(text(head.previous.secret))).toBe(begun);
    }
  }

  private version(at: number): number {
    const copy = this.copies[at]!;
    return copy.kind === 'ended' ? Number.POSITIVE_INFINITY : copy.head.version;
  }

  private learn(at: number, what: Pick<Commit, 'kind' | 'head' | 'fields'>, stamp: Stamp): void {
    const all = this.known[at]!;
    const copy = this.copies[at]!;
    const [begun, generation] =
      what.kind === 'end' || copy.kind === 'ended'
        ? ['', 0]
        : [what.kind === 'beginning' ? text(stamp) : text(copy.stamps.begun), copy.head.generation];
    const mine = [...all].filter((other) => other.begun === begun).sort((a, b) => (a.stamp < b.stamp ? -1 : 1));
    const saysHowLong = what.kind === 'beginning' || what.head.remember !== undefined;
    const lifetime = saysHowLong ? text(stamp) : (lastLifetime(mine)?.lifetime ?? '');
    const commit: Commit = { ...what, stamp: text(stamp), begun, generation, lifetime };
    all.add(commit);
  }

  private newSecret(under: string): Buffer {
    const secret = Buffer.alloc(32);
    secret.writeUInt32BE(++this.serial);
    this.givenUnder.set(text(secret), under);
    return secret;
  }

  private deltaOf(one: Replica, wanted: Wish, stamp: string): Delta {
    const head = one.kind === 'live' ? one.head : { generation: 0, secret: Buffer.alloc(0), remember: false };
    const remember = wanted.do === 'remember' ? true : wanted.do === 'forget' ? false : (head.remember ?? false);
    const expiresAt = this.now + (remember ? MONTH_MS : IDLE_MS);
    const begun = one.kind === 'live' ? text(one.stamps.begun) : '';
    const delta: Delta = { generation: head.generation, head: { expiresAt }, fields: new Map() };
    const value = Buffer.from(String(++this.serial));
    switch (wanted.do) {
      case 'write':
        return { ...delta, fields: new Map([[wanted.field, writeOf(one, wanted.field, wanted.how, value)]]) };
      case 'late write':
        return { ...delta, generation: head.generation - 1, fields: new Map([['cart', { op: 'set', value }]]) };
      case 'remember':
      case 'forget':
        return { ...delta, head: { expiresAt, remember } };
      case 'rotate':
      case 'late rotate': {
        const replaces = wanted.do === 'rotate' ? head.secret! : Buffer.alloc(32, 0xee);
        const previous = { secret: head.secret!, until: this.now + 10_000, opens: 'session' as const };
        return { ...delta, replaces, head: { expiresAt, secret: this.newSecret(begun), previous } };
      }
      case 'login': {
        const previous = { secret: head.secret!, until: this.now + 60_000, opens: 'nothing' as const };
        const user = `user ${this.serial}`;
        const secret = this.newSecret(stamp);
        const generation = head.generation + 1;
        return { ...delta, head: { expiresAt, user, signedInAt: this.now, generation, secret, previous } };
      }
      default:
        return delta;
    }
  }
}

function writeOf(one: Replica, field: string, how: string, value: Uint8Array): Write {
  const present = storedOf(one)?.fields.get(field) ?? null;
  if (how === 'set') return { op: 'set', value };
  if (how === 'delete') return { op: 'delete' };
  return { op: 'swap', expect: how === 'update' ? present : Buffer.from('never'), value };
}

function asStored({ head, fields }: Account) {
  return {
    head: { createdAt: START, version: 1, ...head } as Head,
    fields: new Map([...fields].map(([name, value]) => [name, Buffer.from(value)])),
  };
}

/** The head without what grows, and without a secret that opens nothing any more. */
function shown({ secret, previous, user, remember, expiresAt, generation }: Partial<Head>, now: number): unknown {
  const isOver = previous === undefined || previous.until <= now;
  const before = isOver ? undefined : { ...previous, secret: text(previous.secret) };
  return { secret: secret && text(secret), before, user, remember, expiresAt, generation };
}

function texts(fields: ReadonlyMap<string, Uint8Array | string>): Record<string, string> {
  return Object.fromEntries([...fields].map(([name, value]) => [name, Buffer.from(value as string).toString()]).sort());
}

function plain(outcome: Outcome): unknown {
  return outcome.status === 'conflict'
    ? [...outcome.fields].map(([name, value]) => [name, value && text(value)])
    : outcome.status;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

test('three copies, any commits, any merges, any losses: what they agree on is what happened', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
      fc.array(fc.tuple(copyNumber, copyNumber), { minLength: 30 }),
      (steps, ends) => {
        const world = new World();
        for (const next of steps) {
          if ('wish' in next) {
            world.now += next.passMs;
            world.commit(next.at, next.wish);
          } else world.merge(next.from, next.to, next.how);
          world.check();
        }
        // The partition is over: they meet in any order, and then each meets each.
        for (const [from, to] of [...ends, [0, 1], [1, 2], [2, 0], [0, 1]] as const) world.merge(from, to, 'both ways');
        world.check();
        expect(new Set(world.copies.map(({ bytes }) => text(bytes))).size).toBe(1);
      },
    ),
    { numRuns: runs(250, 20_000) },
  );
}, 900_000);
