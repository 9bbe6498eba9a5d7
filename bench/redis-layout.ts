/**
 * How a session should lie in Redis: one hash with a field for each field, or one packed value that a script merges. What
 * docs/decisions/0009-redis-layout.md rests on.
 *
 * Bytes are counted (`used_memory` of a fresh server, 100,000 signed-in sessions of one user each, default settings). CPU is compared in
 * pairs, one after the other on the same server, so that what the machine does meanwhile meets both. And it shows what an operator
 * sees of each in redis-cli.
 *
 * Run: node build/bench/redis-layout.js [bytes | costs] [--quick]
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createClient } from 'redis';
import { json, type Stored } from 'sojourn';
import { redis } from 'sojourn/redis';
import { openGauge } from './redis/gauge.js';
import { startRedis } from './redis/server.js';
import { hashCommit, hashCreate, hashScript } from './redis-layout/hash.js';
import { digits, figure, range } from './support/figures.js';
import { SAMPLE_BYTES, sampleOf } from './support/sample.js';

const quick = process.argv.includes('--quick');
const SESSIONS = quick ? 10_000 : 100_000;
const ROUNDS = quick ? 3 : 15;
const COMMITS = quick ? 1000 : 4000;
const AT_ONCE = 64;
const CORE = 1;
const HOUR_MS = 3_600_000;
const SIZES = [100, SAMPLE_BYTES, 4000] as const;
/** What a Redis 7 keeps in a listpack, unless told otherwise. */
const BIG_LISTPACK = ['--hash-max-listpack-value', '1024'];

type Client = ReturnType<typeof clientOn>;
type Part = string | Buffer;
type Keep = (send: (args: Part[]) => Promise<unknown>, i: number, size: number, client: Client) => Promise<unknown>;

const codec = json();
/** Bytes for text, and a flat list for a map: types of RESP by their first byte. */
const asBytes = { typeMapping: { 36: Buffer, 37: Array } };

/** Signed in, a moment ago, as requests leave it: the login was its first commit. */
function sessionOf(size: number, i: number): Stored {
  const now = Date.now();
  const head = { createdAt: now, expiresAt: now + HOUR_MS, version: 2, generation: 1, secret: randomBytes(32) };
  const fields = Object.entries(sampleOf(size)).map(([name, value]) => [name, codec.encode(value)] as const);
  return { head: { ...head, user: `user-${i}`, signedInAt: now }, fields: new Map(fields) };
}

const freshId = (): string => randomBytes(16).toString('base64url');

const keepers: Readonly<Record<string, Keep>> = {
  'connect-redis (JSON with its cookie object)': (send, _i, size) => {
    const cookie = { originalMaxAge: HOUR_MS, expires: new Date(), httpOnly: true, path: '/' };
    const text = JSON.stringify({ cookie, ...sampleOf(size) });
    return send(['SET', `sess:${randomBytes(24).toString('base64url')}`, text, 'EX', '3600']);
  },
  'hash, one field per key, no index': async (send, i, size) => {
    for (const command of hashCreate(`s:${freshId()}`, sessionOf(size, i))) await send(command);
  },
  'packed, no index': (_send, i, size, client) => packed(client, i, size, false),
  'packed, index in 4096 sorted sets: sojourn': (_send, i, size, client) => packed(client, i, size, true),
  'packed, a sorted set for each user': async (send, i, size, client) => {
    const id = await packed(client, i, size, false);
    await send(['ZADD', `s:user:user-${i}`, String(Math.ceil((Date.now() + HOUR_MS) / 1000)), id]);
    await send(['PEXPIRE', `s:user:user-${i}`, String(HOUR_MS)]);
  },
};

/** Begun and bound as the engine does it. Without the index the user stands in a field, so that the value has the same length. */
async function packed(client: Client, i: number, size: number, indexed: boolean): Promise<string> {
  const store = stores.get(client) ?? redis(client);
  stores.set(client, store);
  const { head, fields } = sessionOf(size, i);
  const { user, signedInAt, generation, ...anonymous } = head;
  const id = freshId();
  await store.create(id, { head: { ...anonymous, version: 1, generation: 0 }, fields });
  const { expiresAt } = head;
  const signedIn = indexed
    ? { user: user!, signedInAt: signedInAt!, generation }
    : { signedInAt: signedInAt!, generation };
  const stand = indexed ? new Map() : new Map([[user!, { op: 'set', value: Buffer.alloc(0) } as const]]);
  await store.commit(id, { generation: 0, head: { expiresAt, ...signedIn }, fields: stand });
  return id;
}
const stores = new Map<Client, ReturnType<typeof redis>>();

if (!process.argv.includes('costs')) await bytes();
if (!process.argv.includes('bytes')) await costs();

async function bytes(): Promise<void> {
  say(`Bytes per session, ${SESSIONS} sessions, by the size of the fields as JSON`);
  const base: Record<number, number> = {};
  for (const [name, keep] of Object.entries(keepers)) {
    const cells: string[] = [];
    for (const size of SIZES) {
      const each = await bytesOf(keep, size);
      base[size] ??= each;
      cells.push(`${each.toFixed(0)} (${digits(each / base[size])})`.padStart(14));
    }
    say(`${name.padEnd(48)}${cells.join('')}`);
  }
  const large = await bytesOf(keepers['hash, one field per key, no index']!, SAMPLE_BYTES, BIG_LISTPACK);
  say(
    `${'hash, where the operator raised hash-max-listpack'.padEnd(48)}${''.padStart(14)}${large.toFixed(0).padStart(8)}`,
  );
}

async function bytesOf(keep: Keep, size: number, settings: readonly string[] = []): Promise<number> {
  return withRedis(async (client) => {
    for (let i = 0; i < settings.length; i += 2) await client.configSet(settings[i]!.slice(2), settings[i + 1]!);
    const send = (args: Part[]): Promise<unknown> => client.sendCommand(args);
    const before = await usedMemory(client);
    await atOnce(SESSIONS, (i) => keep(send, i, size, client));
    return ((await usedMemory(client)) - before) / SESSIONS;
  });
}

async function costs(): Promise<void> {
  await withRedis(async (client, port) => {
    const store = redis(client);
    const stored = sessionOf(SAMPLE_BYTES, 0);
    const send = (args: Part[]): Promise<unknown> => client.sendCommand(args, asBytes);
    await send(hashScript());
    const ids = Array.from({ length: 100 }, freshId);
    for (const id of ids) {
      for (const command of hashCreate(`h:${id}`, stored)) await send(command);
      await store.create(id, stored);
    }
    const views = { hash: new Map(ids.map((id) => [id, 0])), packed: new Map(ids.map((id) => [id, 0])) };
    const work = {
      'commit, hash': (i: number) => {
        const id = ids[i % ids.length]!;
        const n = views.hash.get(id)!;
        views.hash.set(id, n + 1);
        return send(hashCommit(`h:${id}`, Date.now() + HOUR_MS, 'views', String(n), String(n + 1)));
      },
      'commit, packed': (i: number) => {
        const id = ids[i % ids.length]!;
        const n = views.packed.get(id)!;
        views.packed.set(id, n + 1);
        const [expect, value] = [Buffer.from(String(n)), Buffer.from(String(n + 1))];
        const fields = new Map([['views', { op: 'swap', expect, value } as const]]);
        return store.commit(id, { generation: 1, head: { expiresAt: Date.now() + HOUR_MS }, fields });
      },
      'read, hash': async (i: number) => {
        const flat = (await send(['HGETALL', `h:${ids[i % ids.length]!}`])) as Buffer[];
        const fields = new Map<string, Buffer>();
        for (let at = 0; at < flat.length; at += 2) fields.set(String(flat[at]), flat[at + 1]!);
        return codec.decode(fields.get('name')!);
      },
      'read, packed': async (i: number) => codec.decode((await store.load(ids[i % ids.length]!))!.fields.get('name')!),
    };
    await pairs('commit', work['commit, hash'], work['commit, packed'], port);
    await pairs('read', work['read, hash'], work['read, packed'], port);
    for (const [id, n] of views.packed) {
      const found = Number(codec.decode((await store.load(id))!.fields.get('views')!));
      if (found !== n) throw new Error(`${found} of ${n} commits are there.`);
    }
    show(port, 'HGETALL', `h:${ids[0]}`);
    show(port, 'GET', `s:${ids[0]}`);
    show(port, 'ZRANGE', (await client.keys('s:index:*'))[0]!, '0', '-1', 'WITHSCORES');
  });
}

type Work = (i: number) => unknown;

async function pairs(name: string, hash: Work, packed: Work, port: number): Promise<void> {
  const gauge = await openGauge(port);
  const samples: Record<string, number[]> = { hashClient: [], packedClient: [], hashServer: [], packedServer: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [who, work] of round % 2 ? Object.entries({ hash, packed }) : Object.entries({ packed, hash })) {
      await gauge.sinceLast();
      const before = process.cpuUsage();
      await atOnce(COMMITS, work);
      const { user, system } = process.cpuUsage(before);
      const { cpuUs } = await gauge.sinceLast();
      if (round === 0) continue;
      samples[`${who}Client`]!.push((user + system) / COMMITS);
      samples[`${who}Server`]!.push(cpuUs / COMMITS);
    }
  }
  for (const side of ['Client', 'Server']) {
    const [a, b] = [samples[`hash${side}`]!, samples[`packed${side}`]!];
    const ratio = figure(b.map((each, i) => each / a[i]!));
    const [one, two] = [figure(a), figure(b)];
    say(
      `${name}, CPU of the ${side.toLowerCase()}: hash ${digits(one.median)} us, packed ${digits(two.median)} us, packed/hash ${digits(ratio.median)} (${range(ratio)})`,
    );
  }
}

/** What redis-cli prints of a key. */
function show(port: number, ...command: string[]): void {
  const { stdout } = spawnSync('redis-cli', ['-p', String(port), '--no-raw', ...command], { encoding: 'utf8' });
  say(`\nredis-cli ${command.join(' ')}\n${(stdout ?? '(redis-cli is not installed)').slice(0, 1600)}`);
}

function clientOn(port: number) {
  const client = createClient({ socket: { port, host: '127.0.0.1' } });
  client.on('error', (error) => process.stderr.write(`${error}\n`));
  return client;
}

async function withRedis<T>(use: (client: Client, port: number) => Promise<T>): Promise<T> {
  const { port, stop } = await startRedis(CORE);
  const client = clientOn(port);
  await client.connect();
  try {
    return await use(client, port);
  } finally {
    client.destroy();
    await stop();
  }
}

async function usedMemory(client: Client): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
}

async function atOnce(times: number, work: (i: number) => unknown): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < times; i = next++) await work(i);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
