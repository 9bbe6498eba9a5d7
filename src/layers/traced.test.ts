/** What a traced store tells: every call with its outcome, by OpenTelemetry or on a channel, and nothing that was in it. */
import { channel as channelOf, tracingChannel } from 'node:diagnostics_channel';
import * as api from '@opentelemetry/api';
import { memory, type Store, sessions, type } from 'sojourn';
import { redis } from 'sojourn/redis';
import { describe, expect, test } from 'vitest';
import { runs } from '../../test/support/exam.js';
import { need } from '../../test/support/needs.js';
import { startRedis } from '../../test/support/redis.js';
import { redisClients } from '../../test/support/redis-clients.js';
import { visitor } from '../../test/support/visitor.js';
import { FaultPlan, faulty } from '../testing/index.js';
import { type StoreContext, storeKit } from '../testing/store-kit.js';
import { cached } from './cached.js';
import { type OpenTelemetry, type StoreCall, traced } from './traced.js';

const onRedis = need('redis');
const kit = { races: runs(20, 200), parallel: 30 };

storeKit({ describe, test }, ({ now, inner }) => traced(inner(memory({ now })), { otel: api }), {
  ...kit,
  name: 'traced, over memory, by an API without a provider',
  mustHave: ['byUser', 'list', 'sweep', 'cells'],
});

let client: ReturnType<(typeof redisClients.single)[number]['connect']> | undefined;
let round = 0;
const onOneRedis = async ({ now, inner }: StoreContext) => {
  client ??= startRedis().then((server) => redisClients.single[0]!.connect(server));
  return traced(inner(redis((await client).client, { prefix: `kit${round}:`, now })));
};
storeKit(
  onRedis,
  (context) => {
    round++;
    return onOneRedis(context);
  },
  {
    ...kit,
    name: 'traced, over Redis',
    mustHave: ['byUser', 'list', 'watch', 'listen', 'cells'],
    another: onOneRedis,
  },
);

interface Recorded {
  readonly name: string;
  readonly attributes: Record<string, unknown>;
  status?: unknown;
  isOver: boolean;
  readonly parent: Recorded | undefined;
}

/** An OpenTelemetry with a provider that keeps what it is told. */
function recording(): { otel: OpenTelemetry; spans: Recorded[]; durations: [number, Record<string, unknown>][] } {
  const spans: Recorded[] = [];
  const durations: [number, Record<string, unknown>][] = [];
  let active: Recorded | undefined;
  const begin = (name: string, attributes: Record<string, unknown> = {}) => {
    const span: Recorded = { name, attributes: { ...attributes }, isOver: false, parent: active };
    spans.push(span);
    return {
      span,
      face: {
        setAttribute(key: string, value: unknown) {
          span.attributes[key] = value;
        },
        setStatus(status: unknown) {
          span.status = status;
        },
        end() {
          span.isOver = true;
        },
      },
    };
  };
  const tracer = {
    startSpan: (name: string, options: { attributes?: Record<string, unknown> }) =>
      begin(name, options.attributes).face,
    startActiveSpan<R>(name: string, options: { attributes?: Record<string, unknown> }, run: (span: never) => R): R {
      const { span, face } = begin(name, options.attributes);
      const before = active;
      active = span;
      try {
        return run(face as never);
      } finally {
        active = before;
      }
    },
  };
  const histogram = { record: (value: number, more = {}) => void durations.push([value, more]) };
  const otel: OpenTelemetry = {
    trace: { getTracer: () => tracer },
    metrics: { getMeter: () => ({ createHistogram: () => histogram }) },
  };
  return { otel, spans, durations };
}

const told = (spans: readonly Recorded[]): string[] =>
  spans.map(({ name, attributes }) => `${name} ${attributes['sojourn.outcome']}`);

test('a login, a read and a logout: the spans and durations of their calls, and nothing that was in them', async () => {
  const { otel, spans, durations } = recording();
  const s = sessions({ data: type<{ card: string }>(), store: traced(memory(), { otel }), sweep: false });
  const ann = visitor(s);
  const id = await ann.visit((session) => {
    session.login('ann@example.org');
    session.set('card', '4111 1111');
    return session.id;
  });
  await ann.visit((session) => session.get('card'));
  const token = [...ann.cookies.values()].join();
  for await (const _ of s.of('ann@example.org')) break;
  await ann.visit((session) => session.destroy());
  expect(told(spans)).toEqual([
    'sojourn create ok',
    'sojourn commit ok',
    'sojourn load found',
    'sojourn byUser left',
    'sojourn load found',
    'sojourn destroy ok',
  ]);
  expect(spans.every(({ isOver }) => isOver)).toBe(true);
  expect(spans[0]!.attributes).toMatchObject({ 'sojourn.store': 'memory', 'sojourn.operation': 'create' });
  expect(durations.length).toBe(spans.length);
  const all = JSON.stringify([spans, durations]);
  for (const secret of [id, token, token.split('.')[1]!, 'ann@example.org', '4111', 'card'])
    expect(all).not.toContain(secret);
  await s.close();
});

test('a call that fails is told by its code; what the driver said of it is not', async () => {
  const { otel, spans } = recording();
  const below = memory();
  const failing = traced<Store>(
    {
      name: 'sql',
      load: () => Promise.reject(Object.assign(new TypeError('row 4111 of ann'), { detail: 'Key (id)=(abc)' })),
      create: () => 'ok',
      commit: below.commit,
      destroy: below.destroy,
    },
    { otel },
  );
  await expect(Promise.resolve(failing.load('abc'))).rejects.toThrow(/row 4111/);
  const plan = new FaultPlan();
  plan.fail();
  await expect(async () => traced(faulty(below, plan), { otel }).destroy('abc')).rejects.toThrow(
    /wanted this call to fail/,
  );
  expect(told(spans)).toEqual(['sojourn load error', 'sojourn destroy error']);
  expect(spans.map(({ status }) => status)).toEqual([
    { code: 2, message: 'TypeError' },
    { code: 2, message: 'SOJOURN_STORE' },
  ]);
  expect(JSON.stringify(spans)).not.toMatch(/4111|abc/);
});

test("a span is the active one while its call runs, so a driver's own spans are inside", async () => {
  const { otel, spans } = recording();
  const outer = traced(traced(memory(), { otel }), { otel });
  await outer.load('abc');
  expect(spans.map(({ parent }) => parent)).toEqual([undefined, spans[0]]);
});

test('without OpenTelemetry the same is told on a diagnostics channel, to those who listen', async () => {
  const heard: [string, StoreCall][] = [];
  const channel = tracingChannel<StoreCall>('sojourn.store');
  const listen = (event: string) => (message: unknown) => void heard.push([event, { ...(message as StoreCall) }]);
  const handlers = {
    start: listen('start'),
    end: listen('end'),
    asyncStart: listen('asyncStart'),
    asyncEnd: listen('asyncEnd'),
    error: listen('error'),
  };
  const plan = new FaultPlan();
  const store = traced(faulty(memory(), plan));
  store.load('abc');
  channel.subscribe(handlers);
  store.load('abc');
  plan.delay(async () => {});
  await store.destroy('abc');
  plan.heal();
  plan.fail();
  expect(() => store.load('abc')).toThrow();
  plan.heal();
  for await (const _ of store.list()) break;
  channel.unsubscribe(handlers);
  store.load('abc');
  const about = (operation: string, more: object = {}) => ({ store: 'memory', operation, ...more });
  expect(heard).toEqual([
    ['start', about('load')],
    ['end', about('load', { outcome: 'absent' })],
    ['start', about('destroy')],
    ['end', about('destroy')],
    ['asyncStart', about('destroy', { outcome: 'ok' })],
    ['asyncEnd', about('destroy', { outcome: 'ok' })],
    ['start', about('load')],
    ['error', about('load', { outcome: 'error', error: 'SOJOURN_STORE' })],
    ['end', about('load', { outcome: 'error', error: 'SOJOURN_STORE' })],
    ['start', about('list')],
    ['end', about('list')],
    ['asyncStart', about('list', { outcome: 'ok', items: 0 })],
    ['asyncEnd', about('list', { outcome: 'ok', items: 0 })],
  ]);
  expect(channelOf('tracing:sojourn.store:start').hasSubscribers).toBe(false);
});

onRedis.test('below a near cache only what reaches the store is told, and all abilities pass', async () => {
  const { otel, spans } = recording();
  const { client: connected } = await redisClients.single[0]!.connect(await startRedis());
  const store = cached(traced(redis(connected), { otel }));
  const s = sessions({ data: type<{ n: number }>(), store, sweep: false });
  const ann = visitor(s);
  await ann.visit((session) => session.set('n', 1));
  await expect
    .poll(async () => {
      spans.length = 0;
      await ann.visit((session) => session.get('n'));
      return told(spans);
    })
    .toEqual([]);
  await store.check();
  expect(told(spans)).toEqual(['sojourn check ok']);
  await s.close();
});

test('an otel that is none, and a store that is none, are refused', () => {
  expect(() => traced(memory(), { otel: {} as OpenTelemetry })).toThrow(
    /otel of traced: must be the OpenTelemetry API/,
  );
  expect(() => traced(memory(), { api } as never)).toThrow(/is not an option of traced/);
  expect(() => traced(undefined as never)).toThrow(/store of traced/);
});
