/** The checker passes what an atomic store can answer, and catches every wrong answer that was planted. */
import { expect, test } from 'vitest';
import type { Answer, Asked, Operation, Seen } from './linearizable.js';
import { refute } from './linearizable.js';

const SESSIONS = 200;
const PLANTED = 40;

test(`${SESSIONS} sessions x 100 operations, 8 at a time, outcomes unknown here and there: all right histories pass`, () => {
  const operations = Array.from({ length: SESSIONS }, (_, n) => history(n) ?? []).flat();
  expect(operations).toHaveLength(SESSIONS * 101);
  expect(operations.filter(({ returned }) => returned === undefined).length).toBeGreaterThan(SESSIONS);
  const kinds = operations.map(({ asked, answer }) => `${asked.verb} ${kindOf(answer)}`);
  for (const kind of ['load null', 'load session', 'commit ok', 'commit gone', 'commit conflict', 'destroy ok']) {
    expect(kinds.filter((one) => one === kind).length, kind).toBeGreaterThan(SESSIONS / 4);
  }
  expect(refute(operations)).toEqual([]);
});

/** Each spoils a right history in one way that no order can explain, or says that this history offers no occasion. */
const plants: Record<string, (operations: readonly Operation[], seed: number) => Operation[] | undefined> = {
  'a read of what was overwritten before it began': (operations) => {
    const late = operations.findLast(({ answer }) => isSeen(answer));
    const newer = late && operations.findLast((o) => versionOf(o) > 0 && before(o, late));
    const old = newer && operations.find((o) => isSeen(o.answer) && before(o, late) && versionOf(o) < versionOf(newer));
    return old && changed(operations, late, old.answer);
  },
  'a read of a value that nobody wrote': (operations) => {
    const load = operations.find(({ answer }) => isSeen(answer));
    return load && changed(operations, load, { ...(load.answer as Seen), fields: { a: 'never written' } });
  },
  'a session seen after it was destroyed': (operations) => {
    const destroyed = operations.find(({ asked, returned }) => asked.verb === 'destroy' && returned);
    const load = destroyed && operations.find((o) => o.answer === null && before(destroyed, o));
    const seen = operations.find(({ answer }) => isSeen(answer));
    return load && seen && changed(operations, load, seen.answer);
  },
  'gone, for a session that lives': (operations) => {
    const ended = operations.find(({ asked }) => asked.verb === 'destroy' || (asked as Commit).nextGeneration);
    const commit = operations.find(
      (o) => o.asked.verb === 'commit' && versionOf(o) > 0 && (o.returned as number) < (ended?.called ?? 1e9),
    );
    return commit && changed(operations, commit, 'gone');
  },
  'an update that was lost': (_, seed) => history(seed, 'lost'),
  'a commit that was applied twice': (_, seed) => history(seed, 'twice'),
  'a commit with unknown outcome that was applied twice': (_, seed) => history(seed, 'unknown twice'),
  'a swap that won with a wrong expectation': (_, seed) => history(seed, 'blind swap'),
  'a second rotation of the same secret': (_, seed) => history(seed, 'blind rotation'),
  'a commit from before a login that landed after it': (_, seed) => history(seed, 'blind generation'),
  'a commit that brought a destroyed session back': (_, seed) => history(seed, 'revival'),
};

test.each(Object.entries(plants))(`caught ${PLANTED} of ${PLANTED} times: %s`, (_, plant) => {
  let planted = 0;
  for (let seed = 1; planted < PLANTED; seed++) {
    expect(seed, 'histories that offer the occasion').toBeLessThan(20 * PLANTED);
    const spoiled = plant(history(seed) ?? [], seed);
    if (!spoiled) continue;
    planted++;
    expect(refute(spoiled).map(({ session }) => session)).toEqual([`session ${seed}`]);
  }
});

test('an unknown outcome explains what came after its call, and nothing before', () => {
  const born = known({ verb: 'create', session: blank }, 1, 2, 'ok');
  const lost: Operation = { session: 's', called: 5, asked: { verb: 'commit', generation: 0, set: { a: '1' } } };
  const after = { ...blank, fields: { a: '1' }, version: 2 };
  const load = (called: number, answer: Answer) => known({ verb: 'load' }, called, called + 1, answer);

  expect(refute([born, lost, load(6, after)])).toEqual([]);
  expect(refute([born, lost, load(6, blank), load(8, after)])).toEqual([]);
  expect(refute([born, lost, load(6, blank)])).toEqual([]);
  expect(refute([born, load(3, after), lost])).toHaveLength(1);
  expect(refute([born, lost, load(6, after), load(8, blank)])).toHaveLength(1);
});

test('what is reported names the session and the answer that cannot follow', () => {
  const born = known({ verb: 'create', session: blank }, 1, 2, 'ok');
  const [refutation] = refute([born, known({ verb: 'load' }, 3, 4, null)]);
  expect(refutation?.session).toBe('s');
  expect(refutation?.story).toContain('[3, 4] {"verb":"load"} -> null');
  expect(refutation?.story).toContain('1 of 2 operations');
});

const blank: Seen = { fields: {}, secret: 's0', generation: 0, version: 1 };

function known(asked: Asked, called: number, returned: number, answer: Answer): Operation {
  return { session: 's', asked, called, returned, answer };
}

type Commit = Extract<Asked, { verb: 'commit' }>;
type Flaw = 'lost' | 'twice' | 'unknown twice' | 'blind swap' | 'blind rotation' | 'blind generation' | 'revival';

/**
 * 100 operations by 8 workers on one session, each called, carried out and answered at moments that the dice choose; then one
 * read. With a flaw the session errs once, and nothing is uncertain that could excuse it; undefined when it found no occasion.
 */
function history(seed: number, flaw?: Flaw): Operation[] | undefined {
  const random = dice(seed);
  const atomic = new Atomic(flaw);
  const workers: { -readonly [K in keyof Operation]: Operation[K] }[] = [];
  const operations: Operation[] = [];
  let tick = 0;
  const call = (asked: Asked) => {
    const operation = { session: `session ${seed}`, asked, called: ++tick };
    operations.push(operation);
    return operation as (typeof workers)[number];
  };
  const carryOut = (operation: (typeof workers)[number], isUnknown = false): void => {
    operation.answer = atomic.answer(operation.asked, isUnknown);
    if (isUnknown) operation.answer = undefined as never;
  };
  const finish = (operation: (typeof workers)[number]): void => {
    operation.returned = ++tick;
  };
  const alone = (asked: Asked): void => {
    const operation = call(asked);
    carryOut(operation);
    finish(operation);
  };

  alone({ verb: 'create', session: blank });
  while (operations.length < 100 || workers.some(Boolean)) {
    const worker = Math.floor(random() * 8);
    const operation = workers[worker];
    if (!operation) {
      if (operations.length < 100) workers[worker] = call(wish(random, atomic.session, operations.length, flaw));
    } else if (operation.answer !== undefined) {
      finish(operation);
      delete workers[worker];
    } else if (operation.asked.verb !== 'load' && random() < unknownShare(flaw, atomic)) {
      if (flaw || random() < 0.5) carryOut(operation, true);
      delete workers[worker];
    } else carryOut(operation);
  }
  alone({ verb: 'load' });
  return flaw && !atomic.hasErred ? undefined : operations;
}

function unknownShare(flaw: Flaw | undefined, { hasErred }: Atomic): number {
  if (flaw === undefined) return 0.06;
  return flaw === 'unknown twice' && !hasErred ? 0.1 : 0;
}

/** What a worker asks next. It knows the session as it is now, which may not be how it is when the operation is carried out. */
function wish(random: () => number, session: Seen | null, n: number, flaw: Flaw | undefined): Asked {
  const { fields, secret, generation } = session ?? blank;
  const field = ['a', 'b', 'c'][Math.floor(random() * 3)] as string;
  const dice = random();
  if (dice < 0.3) return { verb: 'load' };
  if (dice < 0.32 && n > 40 && (flaw === undefined || flaw === 'revival')) return { verb: 'destroy' };
  const commit = { verb: 'commit', generation } as const;
  if (dice < 0.35) return { ...commit, secret: `s${n}`, nextGeneration: generation + 1 };
  if (dice < 0.45) return { ...commit, replaces: secret, secret: `s${n}` };
  if (dice < 0.7) return { ...commit, swap: { [field]: [fields[field] ?? null, random() < 0.2 ? null : `${n}`] } };
  return { ...commit, set: { [field]: random() < 0.2 ? null : `${n}`, [`only ${n}`]: 'here' } };
}

/** A session that does one thing at a time, and errs once if it is told to. */
class Atomic {
  session: Seen | null = null;
  hasErred = false;
  readonly #flaw: Flaw | undefined;
  #before: Seen | null = null;

  constructor(flaw: Flaw | undefined) {
    this.#flaw = flaw;
  }

  answer(asked: Asked, isUnknown: boolean): Answer {
    if (asked.verb === 'load') return this.session;
    if (asked.verb === 'create') {
      this.session = asked.session;
      return 'ok';
    }
    if (asked.verb === 'commit') return this.#commit(asked, isUnknown);
    // After the one flaw nothing may hide it.
    if (this.hasErred) return 'ok';
    this.#before = this.session ?? this.#before;
    this.session = null;
    return 'ok';
  }

  #commit(asked: Commit, isUnknown: boolean): Answer {
    if (!this.session && this.#before && this.#errs('revival')) this.session = this.#before;
    const { session } = this;
    if (!session) return 'gone';
    const isLate = session.generation !== asked.generation;
    if (isLate && this.#flaw !== 'blind generation') return 'gone';
    if (asked.replaces !== undefined && asked.replaces !== session.secret && !isLate && !this.#errs('blind rotation'))
      return { conflict: {} };
    const swaps = Object.entries(asked.swap ?? {});
    const lost = !isLate && swaps.some(([field, [expect]]) => (session.fields[field] ?? null) !== expect);
    if (lost && !this.#errs('blind swap'))
      return { conflict: Object.fromEntries(swaps.map(([field]) => [field, session.fields[field] ?? null])) };
    if (isLate && !this.#errs('blind generation')) return 'gone';
    const version = session.version + 1;
    if (asked.set && this.#errs('lost')) return { version };
    const isTwice = this.#errs(isUnknown ? 'unknown twice' : 'twice');
    const fields = new Map(Object.entries(session.fields));
    const writes = [...Object.entries(asked.set ?? {}), ...swaps.map(([field, [, value]]) => [field, value] as const)];
    for (const [field, value] of writes) {
      if (value === null) fields.delete(field);
      else fields.set(field, value);
    }
    this.session = {
      fields: Object.fromEntries(fields),
      secret: asked.secret ?? session.secret,
      generation: asked.nextGeneration ?? session.generation,
      version: version + (isTwice ? 1 : 0),
    };
    return { version };
  }

  /** True once. */
  #errs(flaw: Flaw): boolean {
    if (this.#flaw !== flaw || this.hasErred) return false;
    this.hasErred = true;
    return true;
  }
}

function changed(operations: readonly Operation[], which: Operation, answer: Answer | undefined): Operation[] {
  return operations.map((operation) => (operation === which ? { ...operation, answer: answer as Answer } : operation));
}

function before(a: Operation, b: Operation): boolean {
  return a.returned !== undefined && a.returned < b.called;
}

function isSeen(answer: Answer | undefined): answer is Seen {
  return typeof answer === 'object' && answer !== null && 'fields' in answer;
}

function versionOf({ answer }: Operation): number {
  return typeof answer === 'object' && answer !== null && 'version' in answer ? answer.version : 0;
}

function kindOf(answer: Answer | undefined): string {
  if (answer === null || answer === undefined || typeof answer === 'string') return String(answer);
  if ('conflict' in answer) return 'conflict';
  return isSeen(answer) ? 'session' : 'ok';
}

/** Numbers from 0 to 1, the same for the same seed: xorshift. */
function dice(seed: number): () => number {
  let state = (seed + 1) * 0x9e3779b1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}
