/**
 * Target `signature`: the session's cookie itself, for applications that seal sessions into it, encrypted, signed, or as Flask does.
 *
 * A base names its seals: `sealed-cookie` is what `encrypted` makes, `signed-cookie` what `signed` and Flask's format make. Each
 * hostile value goes to a server over HTTP and straight into the engine; the one with hundreds of sub-cases (every bit) goes
 * straight in alone. After each, alice and mallory see their own data.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import {
  cookie,
  encrypted,
  type SealedOptions,
  type Sealer,
  type Session,
  type SessionFormat,
  type Sessions,
  sessions,
  signed,
  type Transport,
} from 'sojourn';
import { flaskCookie, flaskTransport } from 'sojourn/flask';
import { session as nodeSession } from 'sojourn/node';
import { type ControllableClock, controllableClock } from 'sojourn/testing';
import { beforeAll, describe, expect } from 'vitest';
import { serve } from '../support/http.js';
import { request, visitor } from '../support/visitor.js';
import { type Witness, witness } from './aftermath.js';
import { type Case, casesFor, demands, type Mutation, mutationOf } from './casebook.js';
import { tally } from './tally.js';

type Fields = Record<string, unknown>;
type S = Sessions<Fields, undefined>;

/** One way to seal, with keys of our own. */
interface Kind {
  readonly name: string;
  readonly bases: readonly string[];
  readonly cookie: string;
  seal(keys: readonly Buffer[]): Sealer | SessionFormat;
  readonly transport: (name?: string) => Transport;
}

const [key, retired, foreign] = [randomBytes(32), randomBytes(32), randomBytes(32)];

const kinds: readonly Kind[] = [
  {
    name: 'encrypted',
    bases: ['sealed-cookie'],
    cookie: '__Host-sid',
    seal: (keys) => encrypted({ keys }),
    transport: (name) => (name === undefined ? cookie() : cookie({ name })),
  },
  {
    name: 'signed',
    bases: ['signed-cookie'],
    cookie: '__Host-sid',
    seal: (keys) => signed({ keys }),
    transport: (name) => (name === undefined ? cookie() : cookie({ name })),
  },
  {
    name: 'flask',
    bases: ['signed-cookie', 'flask-cookie'],
    cookie: 'session',
    seal: (keys) => flaskCookie({ secretKey: keys }),
    transport: (name) => flaskTransport(name === undefined ? {} : { name }),
  },
];

export function signatureTarget(): void {
  describe('signature', () => {
    const { run } = tally('signature');
    for (const kind of kinds) {
      let stage: Stage;
      beforeAll(async () => {
        stage = await stageOf(kind);
      });
      for (const each of casesFor('signature')) {
        const base = mutationOf(each)?.base ?? 'flask-cookie';
        if (kind.bases.includes(base)) run(each, kind.name, () => attack(each, stage));
      }
    }
  });
}

/** Two users of one application, a server, and the way past it. */
interface Stage {
  readonly kind: Kind;
  readonly clock: ControllableClock;
  readonly s: S;
  readonly refused: unknown[];
  readonly witness: Witness;
  readonly tokens: { readonly alice: string; readonly mallory: string };
  engine(options: Partial<SealedOptions<Fields, undefined>>): S;
  /** What the server answers to somebody who shows this value. */
  overHttp(value: string): Promise<{ status: number; body: string; cookies: readonly string[] }>;
}

async function stageOf(kind: Kind): Promise<Stage> {
  const clock = controllableClock();
  const listener = witness();
  const refused: unknown[] = [];
  const engine = (options: Partial<SealedOptions<Fields, undefined>>): S => {
    const s = sessions<Fields>({
      seal: kind.seal([key]),
      transport: kind.transport(),
      environment: clock,
      ...options,
    });
    s.on('refused', (event) => {
      refused.push(event);
      listener.hear(JSON.stringify(event));
    });
    return s;
  };
  const s = engine({});
  const served = await serve(
    nodeSession(s, (_, response, session) => void response.end(whoAndWhat(session)), { trustProxy: true }),
  );
  return {
    kind,
    clock,
    s,
    refused,
    witness: listener,
    engine,
    tokens: { alice: await signIn(s, 'alice'), mallory: await signIn(s, 'mallory') },
    async overHttp(value) {
      const headers = { Cookie: `${kind.cookie}=${value}`, 'X-Forwarded-Proto': 'https' };
      const response = await fetch(served.url, { headers });
      const body = await response.text();
      listener.hear(`${body} ${JSON.stringify([...response.headers])}`);
      return { status: response.status, body, cookies: response.headers.getSetCookie() };
    },
  };
}

async function signIn(s: S, user: string): Promise<string> {
  const person = visitor(s);
  await person.visit((session) => {
    session.login(user);
    session.set('greeting', `hello of ${user}`);
  });
  return [...person.cookies.values()][0]!;
}

function whoAndWhat(session: Session<Fields>): string {
  return `${session.user} ${String(session.get('greeting'))}`;
}
const NOBODY = 'undefined undefined';

async function attack(each: Case, stage: Stage): Promise<void> {
  const { kind, s, tokens } = stage;
  if (mutationOf(each)?.op === 'sign-with-retired-key') await retiredKey(stage);
  else if (mutationOf(each)?.op === 'tagged-json-unknown-tag') await unknownTag(each, stage);
  else if (mutationOf(each)?.op === 'rename-cookie') await renamed(mutationOf(each)!, stage);
  else {
    expect(demands(each, 'ANON')).toBe(true);
    const values = valuesOf(each, stage);
    for (const value of values) {
      const anonymous = await isNobody(s, kind.cookie, value, stage);
      expect(anonymous, `opened: ${value.slice(0, 60)}`).toBe(true);
    }
    if (values.length === 1) {
      const { status, body, cookies } = await stage.overHttp(values[0]!);
      // The bomb alone is longer than the headers that Node takes: there it answers first.
      expect([status, body, cookies]).toEqual(values[0]!.length > 16_000 ? [431, '', []] : [200, NOBODY, []]);
    }
    await stage.witness.check([
      tokens.alice,
      tokens.mallory,
      ...(values.length === 1 ? [values[0]!.slice(0, 200)] : []),
    ]);
  }
  for (const user of ['alice', 'mallory'] as const)
    expect(await visitor(s, new Map([[kind.cookie, tokens[user]]])).visit(whoAndWhat)).toBe(`${user} hello of ${user}`);
}

/** Read, then written to: an empty session, no cookie unless the handler writes, and then one of its own. */
async function isNobody(s: S, name: string, value: string, { refused }: Stage): Promise<boolean> {
  refused.length = 0;
  const stranger = visitor(s, new Map([[name, value]]));
  const { result, lines } = await stranger.ask(whoAndWhat);
  expect(lines).toEqual([['Vary', 'Cookie']]);
  expect(refused).toEqual([{ reason: expect.stringMatching(/malformed|unknown/) }]);
  await stranger.visit((session) => session.set('note', 'mine'));
  expect(stranger.cookies.get(name)).not.toBe(value);
  return result === NOBODY;
}

/** Where an op changes one token in one way, that token; where it says so, every one of many. */
function valuesOf(each: Case, { kind, tokens, clock }: Stage): readonly string[] {
  const mutation = mutationOf(each);
  if (mutation === undefined) return [String(each.input)];
  const op = ops[mutation.op];
  if (op === undefined) throw new Error(`${each.id}: nothing here knows the op ${mutation.op}`);
  return [op(tokens.alice, { mutation, other: tokens.mallory, kind, now: clock.now() })].flat();
}

interface Means {
  readonly mutation: Mutation;
  readonly other: string;
  readonly kind: Kind;
  readonly now: number;
}

const ops: Readonly<Record<string, (token: string, means: Means) => string | string[]>> = {
  'drop-last-chars': (token, { mutation }) => token.slice(0, -Number(mutation.n)),
  'remove-signature': (token) => [token.slice(0, token.lastIndexOf('.')), token.slice(0, token.lastIndexOf('.') + 1)],
  'take-signature-of-other-session': (token, { other }) =>
    token.slice(0, token.lastIndexOf('.')) + other.slice(other.lastIndexOf('.')),
  'shorten-gcm-tag': (token, { mutation }) =>
    recoded(token, (bytes) => bytes.subarray(0, -16 + Number(mutation.bytes))),
  'flip-every-bit-one-at-a-time'(token) {
    const { length } = Buffer.from(token, 'base64url');
    return Array.from({ length: length * 8 }, (_, bit) =>
      recoded(token, (bytes) => {
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        return bytes;
      }),
    );
  },
  'replace-by-plain-json-base64': () =>
    Buffer.from('{"user":"alice","greeting":"hello of alice"}').toString('base64url'),
  'set-version-byte': (token, { mutation }) =>
    recoded(token, (bytes) => {
      bytes[0] = Number(mutation.to);
      return bytes;
    }),
  'set-key-id': (token) =>
    recoded(token, (bytes) => {
      bytes.writeUInt32BE((bytes.readUInt32BE(1) + 1) % 2 ** 32, 1);
      return bytes;
    }),
  'zlib-bomb-correctly-signed': (_, { mutation, now }) =>
    flaskSigned(`.${deflateSync(Buffer.alloc(Number(mutation.inflated), 0x20)).toString('base64url')}`, now),
  'timestamp-in-future': (_, { mutation, now }) =>
    flaskSigned(Buffer.from('{"_user_id":"alice"}').toString('base64url'), now + Number(mutation.seconds) * 1000),
  'tagged-json-unknown-tag': (_, { mutation, now }) =>
    flaskSigned(Buffer.from(JSON.stringify({ k: { [String(mutation.tag)]: 'x' } })).toString('base64url'), now),
};

function recoded(token: string, change: (bytes: Buffer) => Buffer): string {
  return change(Buffer.from(token, 'base64url')).toString('base64url');
}

/** As itsdangerous signs, by this test's own hand. */
function flaskSigned(payload: string, now: number): string {
  const stamp = Buffer.alloc(4);
  stamp.writeUInt32BE(Math.floor(now / 1000));
  const text = `${payload}.${stamp.toString('base64url')}`;
  const derived = createHmac('sha1', key).update('cookie-session').digest();
  return `${text}.${createHmac('sha1', derived).update(text).digest('base64url')}`;
}

/** It stays what it is, an object with a strange key (docs/hostile-input.md), and is written back as it came. */
async function unknownTag(each: Case, stage: Stage): Promise<void> {
  const person = visitor(stage.s, new Map([[stage.kind.cookie, valuesOf(each, stage)[0]!]]));
  const plain = { [String(mutationOf(each)!.tag)]: 'x' };
  expect(await person.visit((session) => session.get('k'))).toEqual(plain);
  await person.visit((session) => session.set('note', 'written'));
  expect(await person.visit((session) => session.get('k'))).toEqual(plain);
}

/** Sealed for one cookie, shown as another to an application with the same keys. */
async function renamed({ to }: Mutation, stage: Stage): Promise<void> {
  const other = stage.engine({ transport: stage.kind.transport(String(to)) });
  expect(await isNobody(other, String(to), stage.tokens.alice, stage)).toBe(true);
}

/** Listed as old: alice, and from the next write on under the newest key. Not listed: nobody. */
async function retiredKey(stage: Stage): Promise<void> {
  const { kind } = stage;
  const token = await signIn(stage.engine({ seal: kind.seal([retired]) }), 'alice');
  const rotating = visitor(stage.engine({ seal: kind.seal([key, retired]) }), new Map([[kind.cookie, token]]));
  expect(await rotating.visit(whoAndWhat)).toBe('alice hello of alice');
  expect(rotating.cookies.get(kind.cookie)).toBe(token);
  await rotating.visit((session) => session.set('note', 'written'));
  const newest = stage.engine({ seal: kind.seal([key]) });
  expect(await visitor(newest, new Map(rotating.cookies)).visit(whoAndWhat)).toBe('alice hello of alice');
  expect(await isNobody(newest, kind.cookie, token, stage)).toBe(true);
  expect(await isNobody(stage.engine({ seal: kind.seal([foreign]) }), kind.cookie, token, stage)).toBe(true);
  expect(await newest.open(request(undefined))).toMatchObject({ isNew: true });
}
