/**
 * Target `store-value`: somebody has written into the store behind our back; then the owner's valid cookie comes.
 *
 * Two places. In place of the whole entry, through the store's back door: then there is no session, nobody is signed in, an event
 * tells, and what lies there is not overwritten. And in place of one field: that field cannot be read, or is simply that
 * value where it is good typed JSON; the rest of the session serves, and fields that nobody touched keep their bytes.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { memory, sessions } from 'sojourn';
import { expressSession, type OldSession } from 'sojourn/formerly';
import { beforeAll, describe, expect } from 'vitest';
import { pack, unpack } from '../../src/core/record.js';
import { visitor } from '../support/visitor.js';
import { bytesOf, type Case, casesFor, demands, type Mutation, mutationOf } from './casebook.js';
import { type Answer, PRODUCTION, type Scene, scene } from './scene.js';
import { type BackDoor, type StoreKind, storeKinds, throughVerbs } from './stores.js';
import { tally } from './tally.js';

/** Cases whose input is plain, valid data when it stands in one field; all others are damage there, too. */
const dataInField: Readonly<Record<string, unknown>> = {
  B03: null,
  B04: 'a string',
  B07: { rce: "_$$ND_FUNC$$_function(){require('child_process').exec('id')}()" },
  B09: { constructor: { prototype: { polluted: 1 } } },
  B14: { role: 'admin' }, // of two equal keys the last one wins
};

/** What the reason in the event must say, where the outcome names one. */
const reasonInEntry: Readonly<Record<string, RegExp>> = { B06: /pickle/ };
const reasonInField: Readonly<Record<string, RegExp>> = {
  B06: /pickle/,
  B12: /too-large/,
  B13: /number .* too large/,
};

export function storeValueTarget(): void {
  for (const kind of storeKinds) kind.describe(`store-value, ${kind.name}`, () => storeValues(kind));
  describe('store-value, the store of express-session', oldStoreValues);
}

/** What is left of express-session is read from its own store, once: sojourn/formerly. */
function oldStoreValues(): void {
  const { run } = tally('store-value in the store of express-session');
  for (const each of casesFor('store-value').filter(({ outcome }) => /express-session/.test(outcome))) {
    run(each, 'sojourn/formerly', async () => {
      const [id, secret] = ['an-old-session', randomBytes(32).toString('hex')];
      const entry: unknown = JSON.parse(String(bytesOf(each, {})));
      const store = { get: (_: string, callback: (error: unknown, found?: unknown) => void) => callback(null, entry) };
      const user = ({ user }: OldSession) => user as number | undefined;
      const s = sessions({ store: memory(), formerly: [expressSession({ secret, store, user })] });
      const signature = createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '');
      const cookies = new Map([['connect.sid', encodeURIComponent(`s:${id}.${signature}`)]]);

      const old = visitor(s, cookies);
      const { lines } = await old.ask((session) => expect(session.user).toBeUndefined());
      expect(lines.join()).not.toMatch(/Invalid|NaN/);
      // The check can fail: with a good date the same entry signs in.
      Object.assign(entry as object, { cookie: { expires: new Date(Date.now() + 60_000).toISOString() } });
      expect(await visitor(s, cookies).visit((session) => session.user)).toBe('1');
    });
  }
}

function storeValues({ name, make, oneKindOfEntry }: StoreKind): void {
  const { run, cannot } = tally(`store-value on ${name}`);
  let stage: Scene;
  let backDoor: BackDoor | undefined;
  beforeAll(async () => {
    const made = await make();
    backDoor = made.backDoor;
    stage = await scene(made.openStore);
  });

  for (const each of casesFor('store-value')) {
    if (/express-session/.test(each.outcome)) continue; // of another store: below
    if (mutationOf(each)?.op === 'replace-by-other-kind' && oneKindOfEntry !== undefined) {
      cannot(each, oneKindOfEntry);
      continue;
    }
    for (const place of placesOf(each, name)) {
      run(each, `${name}, ${place}`, async () => {
        const owner = await visitorWithFields(stage);
        if (place === 'a field') await inField(each, owner, stage);
        else if (place === 'the entry') await inEntry(each, owner, stage, backDoor!);
        else if (place === 'its kind') await ofOtherKind(each, owner, stage, backDoor!);
        else await ofEntry(each, owner, stage, backDoor ?? throughVerbs(stage.store));
        await stage.othersAreUnhurt();
        await stage.witness.check([...stage.secrets, owner.secret]);
      });
    }
  }
}

interface Owner {
  readonly id: string;
  readonly cookie: string;
  readonly secret: string;
}
type Place = 'a field' | 'the entry' | 'the head' | 'its kind';

const opsOfEntry = ['set-created-in-future', 'copy-to-key-of-other-session'];
const opsOfBytes = ['truncate', 'append'];

function placesOf(each: Case, store: string): Place[] {
  const op = mutationOf(each)?.op;
  if (op !== undefined && opsOfEntry.includes(op)) return ['the head'];
  if (op === 'replace-by-other-kind') return ['its kind'];
  if (op !== undefined && !opsOfBytes.includes(op)) throw new Error(`${each.id}: op ${op} is not known here`);
  return store === 'memory' ? ['a field'] : ['the entry', 'a field'];
}

async function visitorWithFields({ doors, witness }: Scene): Promise<Owner> {
  let id = '';
  const { setCookies } = await doors[0].visit(undefined, (session) => {
    session.login('carol');
    session.set('k', 'a value of carol');
    session.set('other', 'kept');
    id = session.id;
  });
  witness.forget();
  const cookie = setCookies[0]!.split(';', 1)[0]!;
  return { id, cookie, secret: cookie.slice(cookie.indexOf('.') + 1) };
}

// In place of the whole entry

async function inEntry(each: Case, { id, cookie }: Owner, stage: Scene, backDoor: BackDoor): Promise<void> {
  const entry = inputFor(each, await backDoor.read(id));
  await backDoor.replace(id, entry);
  await countsAsAbsent(id, cookie, stage, reasonInEntry[each.id] ?? /./);
  expect((await backDoor.read(id)).equals(entry)).toBe(true);
}

async function ofOtherKind(each: Case, { id, cookie }: Owner, stage: Scene, backDoor: BackDoor): Promise<void> {
  if (mutationOf(each)?.kind !== 'list') throw new Error(`${each.id}: nothing here makes an entry of that kind`);
  const length = await backDoor.replaceByList!(id);
  await countsAsAbsent(id, cookie, stage, /^wrong-type/);
  expect(await length()).toBe(2);
}

/** The visitor is nobody, one event tells, and what is kept goes elsewhere. */
async function countsAsAbsent(id: string, cookie: string, stage: Scene, reason: RegExp): Promise<void> {
  stage.forget();
  const seen = await reads(cookie, stage);

  expect([seen.status, seen.result, seen.setCookies]).toEqual([200, { user: undefined, k: undefined }, []]);
  expect(stage.calls).toEqual([{ verb: 'load', id }]);
  expect(stage.told).toEqual([{ event: 'corrupt', payload: { id, reason: expect.stringMatching(reason) } }]);
  await writesUnderNewId(id, cookie, stage);
}

/** What is written after damage, or beside it, goes into a session of its own. */
async function writesUnderNewId(id: string, cookie: string, stage: Scene): Promise<void> {
  stage.forget();
  const { result, setCookies } = await stage.doors[1].visit(cookie, (session) => {
    session.set('note', 'written');
    return session.id;
  });
  expect(result).not.toBe(id);
  expect(setCookies).toEqual([expect.stringContaining(`${PRODUCTION.name}=${result}.`)]);
  expect(stage.calls.filter(({ verb }) => verb !== 'load')).toEqual([{ verb: 'create', id: result }]);
}

function inputFor(each: Case, present: Buffer): Buffer {
  const mutation = mutationOf(each);
  return mutation === undefined ? bytesOf(each, {}) : mutated(mutation, present);
}

function mutated({ op, keep, text }: Mutation, present: Buffer): Buffer {
  if (op === 'truncate') return present.subarray(0, Math.floor(present.length * Number(keep)));
  if (op === 'append') return Buffer.concat([present, Buffer.from(String(text))]);
  throw new Error(`op ${op} does not change bytes`);
}

// In place of one field

async function inField(each: Case, { id, cookie }: Owner, stage: Scene): Promise<void> {
  const { store } = stage;
  const { head, fields } = (await store.load(id))!;
  const value = inputFor(each, Buffer.from(fields.get('k')!));
  const { expiresAt, generation } = head;
  await store.commit(id, { generation, head: { expiresAt }, fields: new Map([['k', { op: 'set', value }]]) });

  // Whoever does not ask for this field does not notice, and does not touch it.
  const aside = await stage.doors[1].visit(cookie, (session) => {
    session.set('other', 'else'); // as long as before: a session over its limit may not grow
    return session.user;
  });
  expect([aside.status, aside.result]).toEqual([200, 'carol']);
  expect(Buffer.from((await store.load(id))!.fields.get('k')!).equals(value)).toBe(true);

  stage.forget();
  const seen = await reads(cookie, stage);
  if (Object.hasOwn(dataInField, each.id)) {
    expect(isDeepStrictEqual(seen.result, { user: 'carol', k: dataInField[each.id] })).toBe(true);
    expect(stage.told.filter(({ event }) => event === 'corrupt')).toEqual([]);
    return;
  }
  expect(seen.result).toEqual({ user: 'carol', k: 'SOJOURN_CORRUPT' });
  const reason = expect.stringMatching(reasonInField[each.id] ?? /./);
  expect(stage.told).toEqual([{ event: 'corrupt', payload: { id, field: 'k', reason } }]);
}

/** Server B, which has seen nothing of this yet. A field that cannot be read shows as its error's code. */
function reads(cookie: string, { doors }: Scene): Promise<Answer> {
  return doors[1].visit(cookie, (session) => {
    try {
      return { user: session.user, k: session.get('k') };
    } catch (error) {
      return { user: session.user, k: (error as { code?: string }).code };
    }
  });
}

// The head, and the entry as a whole

async function ofEntry(each: Case, owner: Owner, stage: Scene, backDoor: BackDoor): Promise<void> {
  if (!demands(each, 'ANON')) throw new Error(`${each.id}: nothing here knows what its outcome asks for`);
  const mutation = mutationOf(each)!;
  const victim = mutation.op === 'set-created-in-future' ? owner : await visitorWithFields(stage);
  const entry = await backDoor.read(owner.id);
  const createdAt = stage.clock.now() + Number(mutation.seconds) * 1000;
  await backDoor.replace(victim.id, victim === owner ? createdLater(entry, createdAt, backDoor) : entry);
  stage.forget();
  const seen = await reads(victim.cookie, stage);

  expect([seen.status, seen.result, seen.setCookies]).toEqual([200, { user: undefined, k: undefined }, []]);
  const event = victim !== owner && backDoor.isBoundToId ? 'corrupt' : 'refused';
  const reason =
    event === 'corrupt' ? expect.stringContaining('another session') : victim === owner ? 'skew' : 'secret';
  expect(stage.told).toEqual([{ event, payload: { reason, id: victim.id } }]);
  await writesUnderNewId(victim.id, victim.cookie, stage);
}

/** The same entry, but for its time of creation. Packed anew: in a record no part of the head has a fixed place. */
function createdLater(entry: Buffer, createdAt: number, { recordFrom }: BackDoor): Buffer {
  const from = recordFrom(entry);
  const { head, fields } = unpack(entry.subarray(from));
  return Buffer.concat([entry.subarray(0, from), pack({ head: { ...head, createdAt }, fields })]);
}
