/**
 * Target `session-value`: a handler on one server keeps a value, a handler on the other reads it. Exactly, or refused at once.
 *
 * What must hold for a value that is refused: the error comes at the very call, the field keeps its earlier value, other fields
 * and the request itself go on, and the answer is sent. For a value that is kept: the other server sees the same under Object.is at every leaf.
 */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  cookie,
  encrypted,
  memory,
  type Session,
  type SessionsOptions,
  type SojournError,
  type Store,
  sessions,
} from 'sojourn';
import { beforeAll, describe, expect } from 'vitest';
import { visitor } from '../support/visitor.js';
import { waitingFor } from '../support/waiting.js';
import { type Case, casesFor, demands, freshValue } from './casebook.js';
import { type Fields, PRODUCTION, type Scene, scene } from './scene.js';
import { inMemory, storeKinds } from './stores.js';
import { tally } from './tally.js';

type Kept = 'THROW' | 'ROUNDTRIP';

/** Our answer where the outcome leaves a choice. docs/hostile-input.md and docs/codec.md say the same. */
const chosen: Readonly<Record<string, Kept>> = {
  V02: 'ROUNDTRIP',
  V07: 'ROUNDTRIP',
  V08: 'ROUNDTRIP',
  V09: 'ROUNDTRIP',
  V10: 'ROUNDTRIP',
  V14: 'ROUNDTRIP',
  V17: 'THROW',
  V18: 'ROUNDTRIP',
  V19: 'THROW',
  V21: 'THROW',
  V22: 'ROUNDTRIP',
  V24: 'ROUNDTRIP',
};

/** What the outcome asks of the error, besides being one of ours. */
const errors: Readonly<Record<string, object>> = {
  V12: { code: 'SOJOURN_VALUE', message: expect.stringContaining('100 levels deep') },
  V13: { code: 'SOJOURN_LIMIT', message: expect.stringContaining('limits.bytes') },
  V15: { code: 'SOJOURN_VALUE', cause: expect.objectContaining({ message: 'boom' }) },
  V25: { code: 'SOJOURN_LIMIT', message: expect.stringContaining('limit of 1024 (option limits.fields)') },
};

/** What must hold besides, in a handler that has just tried to keep the value, and in one on the other server. */
const alsoHolds: Readonly<
  Record<string, { here?(session: Session<Fields>): void; there?(session: Session<Fields>): void }>
> = {
  V05: { there: undefinedIsKeptInside },
  V18: {
    // Changed after `set` and before the commit: noticed, and committed.
    here: () => void (globalThis as unknown as { __h: number[] }).__h.push(2),
    there: (session) => expect(session.get('k')).toEqual([1, 2]),
  },
  V19: { there: () => expect(({} as Fields).isAdmin).toBeUndefined() },
  V21: {
    here(session) {
      expect(() => session.delete('')).toThrow(expect.objectContaining({ code: 'SOJOURN_VALUE' }));
      expect([session.get(''), session.has('')]).toEqual([undefined, false]);
    },
  },
  V22: { there: (session) => expect(session.has('user')).toBe(false) },
  V23: { there: (session) => expect(JSON.parse(JSON.stringify(session))).toEqual({ id: session.id, isNew: false }) },
};

export function sessionValueTarget(): void {
  for (const kind of storeKinds) {
    kind.describe(`session-value, ${kind.name}`, () =>
      sessionValues(kind.name, async () => scene((await kind.make()).openStore)),
    );
  }
  describe('session-value, in a cookie', () =>
    sessionValues(IN_A_COOKIE, () =>
      scene(inMemory(), { ...PRODUCTION, transport: cookie({ parts: 3 }) }, inACookie()),
    ));
}

const IN_A_COOKIE = 'a cookie';

/** No store, and one of those who were signed out. */
function inACookie(): Partial<SessionsOptions<Fields, Store>> {
  const sealed = { seal: encrypted({ keys: [randomBytes(32)] }), revocations: memory() };
  return { ...sealed, store: undefined, sweep: undefined } as unknown as Partial<SessionsOptions<Fields, Store>>;
}

function sessionValues(name: string, make: () => Promise<Scene>): void {
  const { run, waits } = tally(`session-value on ${name}`);
  let stage: Scene;
  beforeAll(async () => {
    stage = await make();
  });

  for (const each of casesFor('session-value')) {
    run(each, name, async () => {
      const jar = await visitorWithFields(stage);
      const begun = headerOf(jar);
      const thrown = await tries(each, jar, stage);
      const cookie = headerOf(jar);
      if (name !== IN_A_COOKIE) expect(cookie).toBe(begun);
      if (each.id === 'V05') expect(thrown).toBeUndefined();
      else if (outcomeOf(each) === 'THROW') expectRefusal(each, thrown);
      else expect(thrown).toBeUndefined();
      await readsElsewhere(each, cookie, stage);
      await stage.othersAreUnhurt();
      await stage.witness.check([...stage.secrets, cookie.slice(cookie.indexOf('.') + 1)]);
    });
    if (each.class === 'size-cookie') run(each, 'in a sealed cookie', () => isTooLongForACookie(each));
    if (/express bridge/.test(each.outcome)) waits(each, waitingFor.expressBridge, 'in the bridge');
  }
}

/** Refused where it is committed, with size and limit; what was there before stays, and no cookie is too long. */
async function isTooLongForACookie(each: Case): Promise<void> {
  const ann = visitor(sessions<Fields>({ seal: encrypted({ keys: [randomBytes(32)] }) }));
  await ann.visit((session) => session.set('note', 'before'));
  const cookies = new Map(ann.cookies);
  const error = await ann.visit((session) => session.set('k', freshValue(each))).catch((reason) => reason);
  expect(error).toMatchObject({ code: 'SOJOURN_TOKEN_SIZE', details: { limit: 4096 - '__Host-sid'.length } });
  expect(error.message).toMatch(/\d{4} characters, and 4086 is the most.* "k" 4002 bytes/);
  expect(ann.cookies).toEqual(cookies);
  expect(await ann.visit((session) => ({ ...session.data }))).toEqual({ note: 'before' });
}

function outcomeOf(each: Case): Kept {
  const open = (['THROW', 'ROUNDTRIP'] as const).filter((term) => demands(each, term));
  const choice = chosen[each.id] ?? (open.length === 1 ? open[0] : undefined);
  if (choice === undefined)
    throw new Error(`${each.id}: choose one of its outcomes, in this file and in docs/hostile-input.md`);
  return choice;
}

type Jar = Map<string, string>;

const headerOf = (jar: Jar): string => [...jar].map(([cookie, value]) => `${cookie}=${value}`).join('; ');

/** Takes the session's cookies of an answer; a near cache sends a version as well. */
function receive(jar: Jar, setCookies: readonly string[]): void {
  for (const line of setCookies) {
    const [, cookie = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line)!;
    if (cookie !== `${PRODUCTION.name}-v`) jar.set(cookie, value);
  }
}

/** A visitor of server A with two fields. */
async function visitorWithFields({ doors, witness }: Scene): Promise<Jar> {
  const { setCookies } = await doors[0].visit(undefined, (session) => {
    session.set('k', 'before');
    session.set('other', 'kept');
  });
  witness.forget();
  const jar: Jar = new Map();
  receive(jar, setCookies);
  return jar;
}

/** Keeps the value on server A; hands back what was thrown at the call. The request goes on, and is answered. */
async function tries(each: Case, jar: Jar, { doors, witness }: Scene): Promise<SojournError | undefined> {
  let thrown: unknown;
  const answer = await doors[0].visit(headerOf(jar), (session) => {
    try {
      keep(each, session);
    } catch (error) {
      thrown = error;
      expect([session.get('k'), session.get('other')]).toEqual(['before', 'kept']);
    }
    alsoHolds[each.id]?.here?.(session);
    session.set('other', 'kept and changed');
  });
  expect(answer.status).toBe(200);
  if (answer.setCookies.length > 0) witness.forget();
  receive(jar, answer.setCookies);
  return thrown as SojournError | undefined;
}

function keep(each: Case, session: Session<Fields>): void {
  const value = freshValue(each);
  if (each.class === 'key') session.set(...(value as [string, unknown]));
  else if (each.class === 'keys-many') for (const pair of value as [string, unknown][]) session.set(...pair);
  else session.set('k', value);
}

/** One of our own errors, and a short one: nothing of the value is in it. */
function expectRefusal(each: Case, thrown: SojournError | undefined): void {
  expect(thrown).toMatchObject({ name: 'SojournError', fault: 'usage', ...errors[each.id] });
  expect(['SOJOURN_VALUE', 'SOJOURN_LIMIT']).toContain(thrown?.code);
  expect(thrown?.message.length).toBeLessThan(300);
}

/** What server B finds. */
async function readsElsewhere(each: Case, cookie: string, { doors }: Scene): Promise<void> {
  const found: Fields = Object.create(null);
  const { status } = await doors[1].visit(cookie, (session) => {
    for (const field of session.keys()) found[field] = session.get(field);
    alsoHolds[each.id]?.there?.(session);
  });
  expect([status, found.other]).toEqual([200, 'kept and changed']);
  if (each.class === 'mutation') Reflect.deleteProperty(globalThis, '__h');
  else if (each.id === 'V05') expect(found).not.toHaveProperty('k');
  else if (outcomeOf(each) === 'THROW') expect(found.k).toBe('before');
  else {
    const [field, value] = each.class === 'key' ? (freshValue(each) as [string, unknown]) : ['k', freshValue(each)];
    expect(Object.hasOwn(found, field)).toBe(true);
    // Object.is at every leaf, and the same prototypes.
    expect(isDeepStrictEqual(found[field], value)).toBe(true);
  }
}

/** `set(k, undefined)` deletes; deeper inside a value undefined is a value like any other. */
function undefinedIsKeptInside(session: Session<Fields>): void {
  session.set('nested', { a: undefined, b: [undefined] });
  expect(Object.keys(session.get('nested') as object)).toEqual(['a', 'b']);
}
