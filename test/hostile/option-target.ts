/**
 * Target `option`: settings that must not start a server. The book's option names are neutral; `toOurs` maps them.
 *
 * `cookie.*` are the options of `cookie()`, `idleTimeout` is `idle`. Other names pass through as they are, so that an unknown
 * one meets the check for unknown ones.
 */
import { cookie, encrypted, memory, type SojournError, sessions, signed } from 'sojourn';
import { redis } from 'sojourn/redis';
import { describe, expect } from 'vitest';
import { need } from '../support/needs.js';
import { startRedis } from '../support/redis.js';
import { redisClients } from '../support/redis-clients.js';
import { request, visitor } from '../support/visitor.js';
import { type Case, casesFor, demands, freshValue } from './casebook.js';
import { tally } from './tally.js';

/** The option of ours that the error must name, where it is not the first name in the input. */
const names: Readonly<Record<string, string>> = {
  O04: 'domain',
  O05: 'sameSite',
  O06: 'path',
  O07: 'name',
  O08: 'path',
  O09: 'idle',
  O10: 'idle',
};

export function optionTarget(): void {
  describe('option', () => {
    const { run } = tally('option');
    for (const each of casesFor('option')) {
      const neutral = Object.keys(freshValue(each) as object);
      if (neutral.includes('secret')) run(each, 'encrypted() and signed()', async () => isNoKey(each));
      else if (neutral.includes('store')) run(each, 'redis()', () => staysBehindPrefix(each), need('redis').test);
      else run(each, 'sessions()', async () => (demands(each, 'CONFIG') ? isRefused(each) : isWithoutEffect(each)));
    }
  });
}

function isRefused(each: Case): void {
  const error = refusal(() => start(freshValue(each) as object));
  expect(error).toMatchObject({ name: 'SojournError', code: 'SOJOURN_OPTION', fault: 'usage' });
  const option = names[each.id] ?? Object.keys(freshValue(each) as object)[0]!;
  expect(error?.message).toContain(option);
  if (/suggestion/.test(each.outcome)) {
    expect(error?.message).toMatch(/known are .*transport/);
    const misspelled = refusal(() => start({ trasnport: cookie() }));
    expect(misspelled?.message).toContain('did you mean transport?');
  }
}

/** A secret of the book is our list of keys, and its one text is the only one of the list. */
function isNoKey(each: Case): void {
  const { secret } = freshValue(each) as { readonly secret: unknown };
  for (const seal of [encrypted, signed]) {
    for (const keys of [secret, typeof secret === 'string' ? [secret] : secret]) {
      const error = refusal(() => sessions({ seal: seal({ keys } as never) }));
      expect(error).toMatchObject({ name: 'SojournError', code: 'SOJOURN_OPTION', fault: 'usage' });
      expect(error?.message).toMatch(/^Option keys/);
      if (typeof secret === 'string' && secret !== '') expect(error?.message).not.toContain(secret);
    }
  }
}

/** Settings that are not the object's own count for nothing, for the engine and for the cookie alike. */
function isWithoutEffect(each: Case): void {
  if (each.class !== 'proto-opt') throw new Error(`${each.id}: nothing here knows what its outcome asks for`);
  const planted = freshValue(each) as object;
  expect(cookieOf(start(planted))).toContain('; Secure');
  const inner = JSON.parse('{"__proto__":{"secure":false}}') as object;
  expect(cookieOf(start({ cookie: inner }))).toContain('; Secure');
  expect(cookieOf(start({ cookie: Object.create({ secure: false, name: 'sid' }) as object }))).toMatch(
    /^__Host-sid=.*; Secure/,
  );
}

/** No prefix at all is refused; and behind one, whatever walks or ends sessions leaves the keys of others alone. */
async function staysBehindPrefix(each: Case): Promise<void> {
  const { store: options } = freshValue(each) as { readonly store: object };
  const server = await startRedis();
  const { client } = await redisClients.single[0]!.connect(server);
  const error = refusal(() => redis(client, options));
  expect(error).toMatchObject({ name: 'SojournError', code: 'SOJOURN_OPTION', fault: 'usage' });
  expect(error?.message).toContain('prefix of redis');

  const [own, other] = ['app:', 'apple:'].map((prefix) => {
    const store = redis(client, { prefix });
    return { store, s: sessions({ store }) };
  });
  const foreign = ['ann', 'app', 'app:no-session', 'index:000', 's:stranger'];
  for (const key of foreign) await server.raw('SET', key, 'not ours');
  for (const { s } of [own!, other!]) await visitor(s).visit((session) => session.login('ann'));
  const idsIn = async (sessionsOf: AsyncIterable<readonly [id: string, head: object]>): Promise<string[]> => {
    const ids: string[] = [];
    for await (const [id] of sessionsOf) ids.push(id);
    return ids;
  };
  const [ownIds, otherIds] = [await idsIn(own!.store.list()), await idsIn(other!.store.list())];
  expect([ownIds.length, otherIds.length]).toEqual([1, 1]);
  expect(await idsIn(own!.s.of('ann'))).toEqual(ownIds);

  expect(await own!.s.revoke('ann')).toBe(1);
  expect([await idsIn(own!.store.list()), await idsIn(other!.s.of('ann'))]).toEqual([[], otherIds]);
  for (const key of foreign) expect(await server.raw('GET', key)).toBe('not ours');
  await Promise.all([own!.s.close(), other!.s.close()]);
}

/** Starts with neutral options; hands back the transport, once sessions() has accepted it. */
function start(neutral: object): ReturnType<typeof cookie> {
  const { cookie: cookieOptions, idleTimeout, ...others } = neutral as { cookie?: object; idleTimeout?: unknown };
  const transport = cookie(cookieOptions);
  const ours: Record<string, unknown> = { store: memory(), transport, sweep: false };
  if (idleTimeout !== undefined) ours.idle = idleTimeout;
  for (const [name, value] of Object.entries(others))
    Object.defineProperty(ours, name, { value, enumerable: true, configurable: true, writable: true });
  sessions(ours as unknown as Parameters<typeof sessions>[0]);
  return transport;
}

function cookieOf(transport: ReturnType<typeof cookie>): string {
  return transport.write('token', undefined, request(undefined))[0]![1];
}

function refusal(attempt: () => unknown): SojournError | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return error as SojournError;
  }
}
