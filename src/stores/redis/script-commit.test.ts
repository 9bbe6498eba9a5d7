/**
 * The merge in Lua against the rule in core/delta.ts: the same sessions, the same deltas, the same outcome, and the same bytes
 * that core/record.ts writes. Then what only a script can do: recognise a commit that is sent again, and refuse what is torn.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { runs } from '../../../test/support/exam.js';
import { need } from '../../../test/support/needs.js';
import { type RedisServer, startRedis } from '../../../test/support/redis.js';
import { type ConnectedClient, redisClients } from '../../../test/support/redis-clients.js';
import type { Delta, Head, Outcome, Stored, Write } from '../../contract.js';
import { apply } from '../../core/delta.js';
import { applyPacked, pack, unpack } from '../../core/record.js';
import { isFailure } from '../../errors.js';
import { redis } from '../redis.js';
import { doorOf } from './clients/door-of.js';
import type { Argument, Door } from './door.js';
import { run, type Send } from './script.js';
import { commitArguments, commitReply, commitScript } from './script-commit.js';
import { freshValue, newMark } from './value.js';

const { describe, test } = need('redis');

const NOW = 1_760_000_000_000;
const hash = fc.oneof(fc.constantFrom(Buffer.alloc(32, 1), Buffer.alloc(32, 2)), fc.uint8Array({ maxLength: 40 }));
const time = fc.oneof(
  fc.integer({ min: NOW - 10, max: NOW + 10 }),
  fc.constantFrom(NOW + 0.5, NOW + 1e9, Date.UTC(2024), Date.UTC(2024) - 1, 1e300, 0, -1),
  fc.integer({ min: -2, max: 2 }).map((near) => Date.UTC(2024) + 2 ** 40 + near),
);
/** Far enough away for Redis not to drop the session while we look. */
const later = fc.oneof(
  fc.integer({ min: NOW + 1e6, max: NOW + 1e10 }),
  fc.constantFrom(NOW + 1e6 + 0.5, 2 ** 48, 1e300),
);
const user = fc.oneof(fc.constantFrom('', 'ada', 'a\0b', 'é'.repeat(100)), fc.string({ unit: 'grapheme' }));
const previous = fc.record({ secret: hash, until: time, opens: fc.constantFrom('session', 'nothing') });
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', '', 'a\0b', 'ä', '日本', 'x'.repeat(255)) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
);
const value = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      Buffer.alloc(0),
      Buffer.from('1'),
      Buffer.from('2'),
      Buffer.alloc(127, 3),
      Buffer.alloc(128, 4),
    ),
  },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }) },
);

const stored: fc.Arbitrary<Stored> = fc.record({
  head: fc.record(
    {
      createdAt: time,
      expiresAt: fc.oneof({ weight: 9, arbitrary: later }, { weight: 1, arbitrary: time }),
      version: fc.oneof(fc.nat(300), fc.constantFrom(2 ** 32, 2 ** 52)),
      generation: fc.constantFrom(0, 0, 1, 200),
      secret: hash,
      previous,
      user,
      signedInAt: time,
      remember: fc.boolean(),
    },
    { requiredKeys: ['createdAt', 'expiresAt', 'version', 'generation'] },
  ) as fc.Arbitrary<Head>,
  fields: fc.array(fc.tuple(name, value), { maxLength: 8 }).map((entries) => new Map(entries)),
});

/** A delta that mostly knows what it meets: otherwise nearly all would be gone or conflict. */
function deltaFor({ head, fields }: Stored): fc.Arbitrary<Delta> {
  const right = (field: string) => fc.constant(fields.get(field) ?? null);
  const write = (field: string) =>
    fc.oneof(
      fc.record({ op: fc.constant('set' as const), value }),
      fc.record({ op: fc.constant('delete' as const) }),
      fc.record({
        op: fc.constant('swap' as const),
        expect: fc.oneof({ weight: 6, arbitrary: right(field) }, { weight: 1, arbitrary: fc.option(value) }),
        value: fc.option(value),
      }),
    ) as fc.Arbitrary<Write>;
  const fieldsOf = fc
    .array(
      fc
        .oneof(name, fc.constantFrom('a', ...fields.keys()))
        .chain((field) => fc.tuple(fc.constant(field), write(field))),
      { maxLength: 4 },
    )
    .map((entries) => new Map(entries));
  return fc.record(
    {
      generation: fc.oneof({ weight: 9, arbitrary: fc.constant(head.generation) }, { weight: 1, arbitrary: fc.nat(2) }),
      replaces: fc.oneof(fc.constant(head.secret ?? Buffer.from('none')), hash),
      head: fc.record(
        {
          expiresAt: later,
          generation: fc.constantFrom(head.generation + 1, 130),
          secret: hash,
          previous,
          user,
          signedInAt: time,
          remember: fc.boolean(),
        },
        { requiredKeys: ['expiresAt'] },
      ),
      fields: fieldsOf,
    },
    { requiredKeys: ['generation', 'head', 'fields'] },
  ) as fc.Arbitrary<Delta>;
}

const meeting = stored.chain((session) => fc.tuple(fc.constant(session), deltaFor(session)));

let server: RedisServer;
let connected: ConnectedClient;
let door: Door;
beforeAll(async () => {
  server = await startRedis();
  connected = await redisClients.single[0]!.connect(server);
  door = doorOf(connected.client);
});
afterAll(() => connected.close());

describe('the merge on the server', () => {
  test('does what the rule of commit does, and writes the record that core would, but for the order of fields', async () => {
    let met = { ok: 0, gone: 0, conflict: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(meeting, { minLength: 20, maxLength: 40 }), async (meetings) => {
        await Promise.all(
          meetings.map(async ([session, delta], i) => {
            const [expected] = apply(session, delta, NOW);
            const before = pack(session);
            const id = `s${i}`;
            await door.send(id, ['SET', id, freshValue(id, before)]);
            const outcome = await commit(id, delta);
            expect(shown(outcome)).toEqual(shown(expected));
            const value = (await door.send(id, ['GET', id])) as Buffer;
            const record = applyPacked(unpack(before), delta, NOW)[2];
            if (record === null) expect(value.equals(freshValue(id, before))).toBe(true);
            else expect(sorted(value.subarray(9))).toBe(sorted(record));
            met = { ...met, [expected.status]: met[expected.status] + 1 };
          }),
        );
      }),
      { numRuns: runs(100, 2000) },
    );
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(100);
  }, 300_000);

  test('takes values of any length', async () => {
    const store = redis(connected.client, { prefix: 'long:', now: () => NOW });
    const head = { createdAt: NOW, expiresAt: NOW + 1e6, version: 1, generation: 0 };
    await store.create('a', { head, fields: new Map([['kept', Buffer.alloc(16_384, 1)]]) });
    for (const length of [0, 127, 128, 16_383, 16_384, 65_536, 2 ** 21]) {
      const value = Buffer.alloc(length, length % 251);
      const change = {
        generation: 0,
        head: { expiresAt: NOW + 1e6 },
        fields: new Map([['v', { op: 'set', value } as const]]),
      };
      await store.commit('a', change);
      const loaded = await store.load('a');
      expect(value.equals(loaded!.fields.get('v')!)).toBe(true);
      expect(loaded!.fields.get('kept')!.length).toBe(16_384);
    }
  });

  test('holds as many fields as a record can', async () => {
    const fields = new Map(Array.from({ length: 65_535 }, (_, i) => [`field ${i}`, Buffer.from(String(i))]));
    const head = { createdAt: NOW, expiresAt: NOW + 1e6, version: 1, generation: 0 };
    const store = redis(connected.client, { prefix: 'many:', now: () => NOW });
    await store.create('a', { head, fields });

    const change = { generation: 0, head: { expiresAt: NOW + 1e6 } };
    const write = { op: 'swap', expect: Buffer.from('40000'), value: null } as const;
    expect(await store.commit('a', { ...change, fields: new Map([['field 40000', write]]) })).toMatchObject({
      version: 2,
    });

    const loaded = await store.load('a');
    expect([loaded?.fields.size, loaded?.fields.has('field 40000')]).toEqual([65_534, false]);
  });
});

describe('a commit that is sent again', () => {
  const views = (from: string, to: string): Delta => ({
    generation: 0,
    head: { expiresAt: NOW + 1e6 },
    fields: new Map([['views', { op: 'swap', expect: Buffer.from(from), value: Buffer.from(to) }]]),
  });
  const begun: Stored = {
    head: { createdAt: NOW, expiresAt: NOW + 1e6, version: 1, generation: 0 },
    fields: new Map([['views', Buffer.from('0')]]),
  };

  test('answers what it answered, and changes nothing', async () => {
    await door.send('again', ['SET', 'again', freshValue('again', pack(begun))]);
    const [one, two] = [newMark(), newMark()];
    expect(await commit('again', views('0', '1'), one)).toEqual({ status: 'ok', version: 2 });
    expect(await commit('again', views('1', '2'), two)).toEqual({ status: 'ok', version: 3 });
    const value = await door.send('again', ['GET', 'again']);

    expect(await commit('again', views('0', '1'), one)).toEqual({ status: 'ok', version: 2 });
    expect(await commit('again', views('1', '2'), two)).toEqual({ status: 'ok', version: 3 });
    expect(await door.send('again', ['GET', 'again'])).toEqual(value);
  });

  test('is known among the last eight, also when it was a login', async () => {
    await door.send('eight', ['SET', 'eight', freshValue('eight', pack(begun))]);
    const login = { generation: 0, head: { expiresAt: NOW + 1e6, generation: 1, user: 'ada' }, fields: new Map() };
    const marks = Array.from({ length: 9 }, newMark);
    await commit('eight', views('0', '0'), marks[0]!);
    await commit('eight', login, marks[1]!);
    for (const mark of marks.slice(2)) await commit('eight', { ...login, generation: 1 }, mark);

    expect(await commit('eight', login, marks[1]!)).toEqual({ status: 'ok', version: 3 });
    expect(await commit('eight', views('0', '0'), marks[0]!)).toEqual({ status: 'gone' });
  });

  test('takes its mark along for two minutes, not longer', async () => {
    const bytesAfter = async (laterMs: number): Promise<number> => {
      await door.send('old', ['SET', 'old', freshValue('old', pack(begun))]);
      await commit('old', views('0', '1'));
      await commit('old', views('1', '2'), newMark(), NOW + laterMs);
      return ((await door.send('old', ['GET', 'old'])) as Buffer)[0]!;
    };
    expect([await bytesAfter(0), await bytesAfter(100_000), await bytesAfter(200_000)]).toEqual([2, 2, 1]);
  });

  test('after the session has ended is gone', async () => {
    await door.send('ended', ['SET', 'ended', freshValue('ended', pack(begun))]);
    const mark = newMark();
    await commit('ended', views('0', '1'), mark);
    await door.send('ended', ['DEL', 'ended']);
    expect(await commit('ended', views('0', '1'), mark)).toEqual({ status: 'gone' });
  });
});

test('a value that was cut anywhere, or has one byte more, is damage to every verb that reads it', async () => {
  const store = redis(connected.client, { prefix: 'torn:', now: () => NOW });
  const head: Head = {
    ...{ createdAt: NOW, expiresAt: NOW + 1e6, version: 1, generation: 0, secret: Buffer.alloc(32, 1), user: 'ada' },
    ...{ previous: { secret: Buffer.alloc(32, 2), until: NOW + 5, opens: 'nothing' }, signedInAt: NOW },
  };
  const whole = freshValue('a', pack({ head, fields: new Map([['views', Buffer.from('1')]]) }));
  const change: Delta = { generation: 0, head: { expiresAt: NOW + 1e6 }, fields: new Map() };
  const damaged = Array.from({ length: whole.length }, (_, length) => whole.subarray(0, length));
  damaged.push(Buffer.concat([whole, Buffer.of(0)]), Buffer.from('{"views":1}'), Buffer.of(0x80, 4, 0x95));
  for (const value of damaged) {
    await door.send('torn:a', ['SET', 'torn:a', value]);
    expect(await codeOf(() => store.load('a'))).toBe('SOJOURN_CORRUPT');
    expect(await codeOf(() => store.commit('a', change))).toBe('SOJOURN_CORRUPT');
    expect(await door.send('torn:a', ['GET', 'torn:a'])).toEqual(value);
    expect(await store.create('a', { head, fields: new Map() })).toBe('exists');
  }
  await store.destroy('a');
  expect(await store.load('a')).toBeNull();
});

test('a script that the server has lost is sent whole, once', async () => {
  await server.raw('SCRIPT', 'FLUSH');
  const sent: Argument[] = [];
  const send: Send = (key, args) => {
    sent.push(args[0]!);
    return door.send(key, args);
  };
  const call = { mark: newMark(), now: NOW, index: '', id: 'none', filed: 0 };
  const change: Delta = { generation: 0, head: { expiresAt: NOW }, fields: new Map() };
  for (let i = 0; i < 2; i++) await run(send, commitScript, 'none', commitArguments(call, change));
  expect(sent).toEqual(['EVALSHA', 'EVAL', 'EVALSHA']);
});

async function commit(id: string, delta: Delta, mark: Buffer = newMark(), now: number = NOW): Promise<Outcome> {
  const call = { mark, now, index: 'index:', id, filed: 0 };
  const outcome = commitReply(await run(door.send, commitScript, id, commitArguments(call, delta)), mark, delta);
  if (outcome.status === 'file first') throw new Error('One server files by itself.');
  return outcome;
}

function shown(outcome: Outcome): unknown {
  if (outcome.status !== 'conflict') return outcome;
  return {
    ...outcome,
    fields: [...outcome.fields].map(([key, bytes]) => [key, bytes && Buffer.from(bytes).toString('hex')]),
  };
}

/** The very bytes, after packing with the fields in order. */
function sorted(record: Buffer): string {
  const { head, fields } = unpack(record);
  expect(pack({ head, fields }).equals(record)).toBe(true);
  return pack({ head, fields: new Map([...fields].sort(([a], [b]) => (a < b ? -1 : 1))) }).toString('hex');
}

async function codeOf(call: () => unknown): Promise<string | null> {
  try {
    await call();
    return null;
  } catch (error) {
    return isFailure(error) ? error.code : String(error);
  }
}
