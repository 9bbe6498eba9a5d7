/**
 * Everything that the real Python libraries wrote, read by us, and what we write, compared with it: every vector of this folder that
 * needs no server.
 */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type CookieValue, cookieValue } from '../../src/compat/flask/cookie-value.js';
import { type EntryFormat, readEntry, writeEntry } from '../../src/compat/flask/entry.js';
import { readPickle } from '../../src/compat/flask/pickle-read.js';
import { writePickle } from '../../src/compat/flask/pickle-write.js';
import { Dict } from '../../src/compat/flask/python.js';
import { rememberToken, signedId } from '../../src/compat/flask/signed-id.js';
import { writeTagged } from '../../src/compat/flask/tagged-json.js';
import { python, secretOf, shown, type Typed, vectors } from './typed.js';

type Secret = string | { b: string };
interface Cookie {
  id: string;
  secret: Secret;
  cookie: string;
  now: number;
  max_age: number | null;
  epoch?: number;
  expect?: string;
  value: Typed;
}

const values = (secret: Secret, fallbacks: readonly Secret[] = [], epoch?: number): CookieValue =>
  cookieValue({ keys: [secret, ...fallbacks].map(secretOf), epoch: epoch === undefined ? 'unix' : 'legacy' });

const shownDict = (value: Typed) => shown(python(value));
const bytesOf = (base64: string) => Buffer.from(base64, 'base64');

/** Where deflate saves a byte or two, one build's zlib thinks it worth while and another one's does not: both are right. */
function jsonIn(cookie: string): string {
  if (!cookie.startsWith('.')) return Buffer.from(cookie.split('.')[0]!, 'base64url').toString();
  return inflateSync(Buffer.from(cookie.split('.')[1]!, 'base64url')).toString();
}

/** Why. */
const said = expect.objectContaining({ problem: expect.stringMatching(/\w{3}/) });

describe("Flask's cookie", () => {
  const written = vectors<{
    vectors: (Cookie & {
      timestamp: number;
      payload_json: string;
      compressed: boolean;
      decoded: Typed;
      read_now: number;
    })[];
    errors: { id: string; value: Typed }[];
  }>('flask-cookie-write.json');

  test.each(written.vectors)('is written as Flask writes it: $id', (vector) => {
    const dict = python(vector.value) as Dict;
    expect(writeTagged(dict)).toBe(vector.payload_json);
    const cookie = values(vector.secret).write(dict, vector.timestamp);
    if (!vector.compressed) expect(cookie).toBe(vector.cookie);
    else expect(jsonIn(cookie)).toBe(vector.payload_json);
    const again = values(vector.secret).read(cookie, vector.read_now, vector.max_age ?? undefined);
    expect(shown(again!.dict)).toBe(shownDict(vector.decoded));
  });

  test.each(written.vectors)('is read as Flask reads it: $id', (vector) => {
    const opened = values(vector.secret).read(vector.cookie, vector.read_now, vector.max_age ?? undefined);
    expect(shown(opened!.dict)).toBe(shownDict(vector.decoded));
    expect(opened!.signedAt).toBe(vector.timestamp);
  });

  test.each(written.errors.filter(({ value }) => value !== null))(
    'refuses to write what Flask cannot: $id',
    ({ value }) => {
      expect(() => writeTagged(python(value) as Dict)).toThrow(
        expect.objectContaining({ code: 'SOJOURN_VALUE', details: said }),
      );
    },
  );

  const read = vectors<{
    read: Cookie[];
    lenient: (Cookie & { canonical: string })[];
    decode_only: { cookie: string; epoch: number; timestamp_raw: number; signed_at: string }[];
  }>('flask-cookie-read.json');

  test.each(read.read)(
    'keeps the rules of its age: $id',
    ({ secret, cookie, now, max_age, epoch, expect: wanted, value }) => {
      const opened = values(secret, [], epoch).read(cookie, now, max_age ?? undefined);
      if (wanted === 'ok') expect(shown(opened!.dict)).toBe(shownDict(value));
      else expect(opened).toBeNull();
    },
  );

  test.each(read.lenient)('has one spelling: $cookie', ({ secret, cookie, canonical, now, max_age, value }) => {
    expect(values(secret).read(cookie, now, max_age ?? undefined)).toBeNull();
    expect(shown(values(secret).read(canonical, now, max_age ?? undefined)!.dict)).toBe(shownDict(value));
  });

  const refused = vectors<{ vectors: Cookie[] }>('flask-cookie-refuse.json').vectors;
  test.each(refused)('is refused, and nothing thrown: $id', ({ secret, cookie, now, max_age }) => {
    expect(values(secret).read(cookie, now, max_age ?? undefined)).toBeNull();
  });

  const rotated = vectors<{ vectors: (Cookie & { fallbacks: Secret[]; written_now: string; signed_with: string })[] }>(
    'flask-cookie-fallbacks.json',
  ).vectors;
  test.each(rotated)('opens with every key, and is signed with the newest: $id', (vector) => {
    const { secret, fallbacks, cookie, now, max_age, written_now } = vector;
    const opened = values(secret, fallbacks).read(cookie, now, max_age ?? undefined);
    if (vector.expect !== 'ok') return expect(opened).toBeNull();
    expect(shown(opened!.dict)).toBe(shownDict(vector.value));
    expect(values(secret, fallbacks).write(opened!.dict, now)).toBe(written_now);
  });
});

describe('signed ids', () => {
  const { sign, refuse, flask_login_remember_token } = vectors<{
    sign: { id: string; secret: Secret; sid: string; cookie_value: string }[];
    refuse: { id: string; secret: Secret; cookie_value: string }[];
    flask_login_remember_token: { id: string; secret: Secret; user_id: string; cookie_value: string }[];
  }>('flask-session-signer.json');

  test.each(sign)('$id', ({ secret, sid, cookie_value }) => {
    expect(signedId(secretOf(secret)).write(sid)).toBe(cookie_value);
    expect(signedId(secretOf(secret)).read(cookie_value)).toBe(sid);
    expect(signedId(['another', secretOf(secret)]).read(cookie_value)).toBe(sid);
  });
  test.each(refuse)('$id', ({ secret, cookie_value }) => {
    expect(signedId(secretOf(secret)).read(cookie_value)).toBeNull();
  });
  test.each(flask_login_remember_token)('$id', ({ secret, user_id, cookie_value }) => {
    const token = rememberToken(secretOf(secret));
    expect(token.write(user_id)).toBe(cookie_value);
    expect(token.read(cookie_value)).toBe(user_id);
    expect(token.read(`${user_id}0${cookie_value.slice(user_id.length)}`)).toBeNull();
    expect(rememberToken('another').read(cookie_value)).toBeNull();
  });
});

interface Entry {
  id: string;
  format: 'pickle' | 'msgpack' | 'json';
  stored: Typed;
}

/** Reads to what Python saw, in the same order; what we write of it reads the same again, and is the same, where there is one way to write it. */
function check(bytes: Buffer, stored: Typed, formats: readonly EntryFormat[]): void {
  const dict = readEntry(bytes);
  expect(shown(dict, true)).toBe(shown(python(stored), true));
  for (const format of formats) expect(shown(readEntry(writeEntry(dict, format)), true)).toBe(shown(dict, true));
  if (formats[0] === 'msgpack') expect(writeEntry(dict, 'msgpack').toString('hex')).toBe(bytes.toString('hex'));
}

const formatsFor = ({ id, format }: Entry): readonly EntryFormat[] =>
  format === 'pickle'
    ? id.includes('lone_surrogate')
      ? ['pickle', 'pickle-0']
      : ['pickle', 'pickle-0', 'pickle-2']
    : [format];

describe("Flask-Session's entries", () => {
  const redis = vectors<{ vectors: (Entry & { value_b64: string })[] }>('flask-session-redis.json').vectors;
  test.each(redis)('Redis: $id', (vector) => check(bytesOf(vector.value_b64), vector.stored, formatsFor(vector)));

  const memcached = vectors<{ vectors: (Entry & { value_b64: string })[] }>('flask-session-memcached.json').vectors;
  test.each(memcached)('memcached: $id', (vector) =>
    check(bytesOf(vector.value_b64), vector.stored, formatsFor(vector)),
  );

  const mongodb = vectors<{ vectors: (Entry & { doc: { val_b64: string } })[] }>('flask-session-mongodb.json').vectors;
  test.each(mongodb)('MongoDB: $id', (vector) => check(bytesOf(vector.doc.val_b64), vector.stored, formatsFor(vector)));

  const sql = vectors<{ vectors: (Entry & { row: { data_b64: string } })[] }>('flask-session-sqlalchemy.json').vectors;
  test.each(sql)('SQL: $id', (vector) => check(bytesOf(vector.row.data_b64), vector.stored, formatsFor(vector)));

  const files = vectors<{ vectors: (Entry & { file_b64: string })[] }>('flask-session-filesystem.json').vectors;
  test.each(files)('files: $id', ({ id, stored, file_b64 }) =>
    check(bytesOf(file_b64).subarray(4), stored, formatsFor({ id, stored, format: 'pickle' })),
  );

  const refused = ['redis', 'memcached', 'sqlalchemy'].flatMap(
    (name) =>
      vectors<{ cannot_be_written: { id: string; store: string; value: Typed }[] }>(`flask-session-${name}.json`)
        .cannot_be_written,
  );
  test.each(refused)('refuses what Python would answer with a 500: $store $id', ({ id, value }) => {
    const format = /msgpack|json/.exec(id)![0] as EntryFormat;
    expect(() => writeEntry(python(value) as Dict, format)).toThrow(
      expect.objectContaining({ code: 'SOJOURN_VALUE', details: said }),
    );
  });
});

describe('pickle', () => {
  const { vectors: read, python2 } = vectors<{
    vectors: { id: string; protocol: number; pickle_b64: string; value: Typed }[];
    python2: { id: string; pickle_b64: string; value: Typed }[];
  }>('pickle-read.json');

  test.each([...read, ...python2])('$id', ({ pickle_b64, value }) => {
    const dict = readPickle(bytesOf(pickle_b64));
    expect(shown(dict, true)).toBe(shown(python(value), true));
    for (const protocol of [0, 2, 4] as const)
      expect(shown(readPickle(writePickle(dict, protocol)), true)).toBe(shown(dict, true));
  });

  interface Hostile {
    id: string;
    pickle_b64: string;
    expect?: string;
    value?: Typed;
  }
  const { unsafe, malformed, hostile_but_legal } =
    vectors<Record<'unsafe' | 'malformed' | 'hostile_but_legal', Hostile[]>>('pickle-hostile.json');
  const refusal = expect.objectContaining({ code: 'SOJOURN_CORRUPT', details: said });

  test.each([...unsafe, ...malformed])('is refused: $id', ({ pickle_b64 }) => {
    expect(() => readPickle(bytesOf(pickle_b64))).toThrow(refusal);
  });

  test.each(hostile_but_legal)('costs nothing: $id', ({ id, pickle_b64, value }) => {
    if (value === undefined && id !== 'memo_index_huge') expect(() => readPickle(bytesOf(pickle_b64))).toThrow(refusal);
    else if (value !== undefined) expect(shown(readPickle(bytesOf(pickle_b64)))).toBe(shownDict(value));
    else expect(readPickle(bytesOf(pickle_b64))).toBeInstanceOf(Dict);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test('nothing of it was executed', () => {
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('sojourn-pwned-'))).toEqual([]);
  });
});
