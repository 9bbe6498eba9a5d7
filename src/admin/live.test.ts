/**
 * The tool on rings that run: real Redis servers, an application that serves its visitors meanwhile, and the built program beside it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, vi } from 'vitest';
import { installed, sojourn } from '../../test/support/cli.js';
import { exam } from '../../test/support/exam.js';
import { need, skipUnless } from '../../test/support/needs.js';
import { freePort } from '../../test/support/ports.js';
import { type RedisServer, startRedis } from '../../test/support/redis.js';
import { redisClients } from '../../test/support/redis-clients.js';
import { tempFolder } from '../../test/support/temp.js';
import { type RingStore, ring } from '../layers/ring.js';
import { redis } from '../stores/redis.js';

const { describe, test } = need('redis');
/** A resize takes seconds by itself: every server has to hear of it first. One of them is in the short form. */
const long = exam ? need('redis') : skipUnless(false, 'long form: npm run exam', { unobtainable: true });
const HOUR_MS = 3_600_000;
/** On a busy machine everything may take a while. */
const DEADLINE = '1s';
const SECRET = 'moon-and-stars';
const [kind] = redisClients.single;

vi.setConfig({ testTimeout: 180_000 });

type Store = RingStore<ReturnType<typeof redis>>;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An application on a ring of three servers, with one more that it knows and that the ring has not got yet. */
async function application(sessions: number, { members = 3, pace = 2000 } = {}) {
  const servers = await Promise.all(Array.from({ length: members + 1 }, () => startRedis({ password: SECRET })));
  const connected = await Promise.all(servers.map((server) => kind!.connect(server)));
  const weights = [15, 20, 10, 15];
  const nodes = () =>
    connected.map(({ client }, i) => ({ name: `n${i + 1}`, weight: weights[i]!, store: redis(client) }));
  const first: Store = ring(nodes().slice(0, members), { copies: 2, deadline: DEADLINE });
  expect(await first.load('nobody')).toBeNull();
  await first.close();
  const store: Store = ring(nodes(), { copies: 2, pace, deadline: DEADLINE });
  closing.push(async () => store.close());
  const ids = Array.from({ length: sessions }, (_, i) => `visitor-${i}`);
  for (const id of ids) {
    const head = { createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, version: 1, generation: 0 };
    expect(await store.create(id, { head, fields: new Map([['n', Buffer.from('0')]]) })).toBe('ok');
  }
  const folder = tempFolder('live');
  const at = (name: string) => join(folder, name);
  const file = { copies: 2, nodes: servers.map(({ url }, i) => ({ name: `n${i + 1}`, url, weight: weights[i] })) };
  writeFileSync(at('ring.json'), JSON.stringify(file));
  return { servers, store, ids, at, run: (...args: string[]) => sojourn(['ring', ...args], folder) };
}

/** Everybody clicks in turn for as long as `meanwhile` takes; nobody is missed, and no click is lost. */
async function servedWhile(store: Store, ids: readonly string[], meanwhile: () => Promise<void>): Promise<void> {
  let isOver = false;
  const clicks = new Map(ids.map((id) => [id, 0]));
  const clicking = (async () => {
    while (!isOver) {
      for (const id of ids) {
        if (isOver) break;
        const n = clicks.get(id)! + 1;
        const fields = new Map([['n', { op: 'set', value: Buffer.from(String(n)) } as const]]);
        const delta = { generation: 0, head: { expiresAt: Date.now() + HOUR_MS }, fields };
        expect((await vi.waitFor(() => store.commit(id, delta), 10_000)).status, id).toBe('ok');
        clicks.set(id, n);
      }
    }
  })();
  try {
    await meanwhile();
  } finally {
    isOver = true;
    await clicking;
  }
  for (const [id, n] of clicks) {
    const stored = await store.load(id);
    expect(Number(Buffer.from(stored!.fields.get('n')!).toString()), id).toBe(n);
  }
}

/** Soon all copies are there, and the same: what a write left behind that met a fence is compared in the background. */
async function inOrder(run: Awaited<ReturnType<typeof application>>['run'], sessions: number): Promise<void> {
  const looked = async () => (await run('verify', '--ring', 'ring.json')).stdout;
  const sentence = `Looked at ${sessions} sessions; of ${sessions} all copies are there and the same.`;
  await expect.poll(looked, { timeout: 30_000, interval: 200 }).toContain(sentence);
}

describe('a ring that runs', () => {
  test('status tells how its nodes are, and exits with 1 when somebody should look', async () => {
    const { servers, run } = await application(5);
    const well = await run('status', '--ring', 'ring.json');
    expect([well.exit, well.stderr]).toEqual([0, '']);
    expect(well.stdout).toMatch(/^Ring of 3 nodes, 2 copies {2}epoch 1\nfingerprint [0-9a-f]{64}\n/);
    expect(well.stdout).toMatch(/n2 +up +yes +20 +14563 +7282 +44\.4 % +\d+ ms +127\.0\.0\.1:\d+/);
    expect(well.stdout).toContain('Nothing moves');
    await servers[1]!.kill();
    const ill = await run('status', '--ring', 'ring.json');
    expect(ill.exit).toBe(1);
    expect(ill.stdout).toMatch(/n2 +down/);
    expect(ill.stdout).toContain('! Node n2 does not answer; its sessions have one copy fewer until it does.');
    const { exit, stdout } = await run('status', '--ring', 'ring.json', '--json');
    expect(exit).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ phase: 'stable', epoch: 1, copies: 2, attention: [/n2/] });
    for (const { stdout, stderr } of [well, ill]) expect(stdout + stderr).not.toContain(SECRET);
  });

  test('a copy that is lost is seen by where and verify, and brought back by repair', async () => {
    const { servers, ids, run } = await application(30);
    expect(await run('verify', '--ring', 'ring.json')).toMatchObject({
      exit: 0,
      stdout: 'Looked at 30 sessions; of 30 all copies are there and the same.\n',
    });
    const [id] = ids;
    const { stdout } = await run('where', id!, '--ring', 'ring.json', '--json');
    const { nodes } = JSON.parse(stdout) as { nodes: { name: string; has: { is: string; version: number } }[] };
    expect(nodes.map(({ has }) => has)).toMatchObject([
      { is: 'live', version: 1 },
      { is: 'live', version: 1 },
    ]);
    const server = servers[Number(nodes[1]!.name.slice(1)) - 1]!;
    const [key] = (await server.raw('KEYS', `*=${id}`)) as string[];
    expect(await server.raw('DEL', key!)).toBe(1);

    const where = await run('where', id!, '--ring', 'ring.json');
    expect(where.exit).toBe(1);
    expect(where.stdout).toMatch(/home +n\d +\d+ +version 1, for 60 min \([0-9a-f]{8}\)\ncopy 2 +n\d +\d+ +nothing/);
    const odd = await run('verify', '--ring', 'ring.json');
    expect([odd.exit, odd.stdout]).toEqual([1, expect.stringContaining('! 1 session with a copy missing.')]);
    expect(odd.stdout).toContain(id);
    const repaired = await run('repair', '--ring', 'ring.json');
    expect([repaired.exit, repaired.stdout]).toEqual([0, expect.stringMatching(/brought 1 copy up to date\.\n$/)]);
    expect((await run('verify', '--ring', 'ring.json')).exit).toBe(0);
  });

  test('a node joins by plan and apply while everybody clicks on; the plan is used once', async () => {
    const { store, ids, at, run } = await application(60);
    const plan = await run('plan', '--ring', 'ring.json', '--add', 'n4,weight=15', '--out', 'plan.json');
    expect([plan.exit, plan.stderr]).toEqual([0, '']);
    expect(plan.stdout).toMatch(
      /Copies that travel {2}8192 of 32768 \(25\.0 %\), at least 8192: 1\.000 times the minimum/,
    );
    expect(plan.stdout).toMatch(
      /Sessions that travel {2}\d+ \([\d.]+ (?:bytes|KiB)\), at least \d+\nEstimated time {2}/,
    );
    expect(readFileSync(at('plan.json'), 'utf8')).not.toContain(SECRET);
    await servedWhile(store, ids, async () => {
      const { exit, stdout, stderr } = await run('apply', 'plan.json', '--ring', 'ring.json');
      expect([exit, stderr]).toEqual([0, '']);
      expect(stdout).toContain('Done. All sessions are where the new table says.');
      expect(stdout).toMatch(/Ring of 4 nodes, 2 copies {2}epoch 2/);
    });
    const again = await run('apply', 'plan.json', '--ring', 'ring.json');
    expect([again.exit, again.stdout]).toEqual([1, '']);
    expect(again.stderr).toContain('the plan was made from another table than the one in force');
    await inOrder(run, ids.length);
  });

  long.test('a node is drained, and leaves; a move is paused, goes on, and is taken back', async () => {
    const { store, ids, run } = await application(40);
    await servedWhile(store, ids, async () => {
      const begun = await run('drain', 'n3', '--ring', 'ring.json', '--begin');
      expect([begun.exit, begun.stderr]).toEqual([0, '']);
      const paused = await run('pause', '--ring', 'ring.json');
      // It may have been done by then: forty sessions are few.
      if (paused.exit === 0) {
        const { stdout } = await run('status', '--ring', 'ring.json', '--json');
        expect(JSON.parse(stdout)).toMatchObject({ isPaused: true });
        expect(await run('resume', '--ring', 'ring.json')).toMatchObject({ exit: 0, stderr: '' });
      } else expect(paused.stderr).toContain('nothing moves');
      const watched = await run('status', '--ring', 'ring.json', '--watch');
      expect(watched.stdout).toMatch(/n3 +up +yes +0 +0 +0 /);
    });
    await inOrder(run, ids.length);
    const nothing = await run('abort', '--ring', 'ring.json');
    expect([nothing.exit, nothing.stdout]).toEqual([1, '']);
    expect(nothing.stderr).toContain('there is no resize');
  });
});

describe('a move that takes its time', () => {
  long.test('is taken back in the middle of it: all is where it was, and everybody was served', async () => {
    const { store, ids, run } = await application(60, { pace: 5 });
    const before = (await store.status()).fingerprint;
    await servedWhile(store, ids, async () => {
      const begun = await run('drain', 'n2', '--ring', 'ring.json', '--begin');
      expect([begun.exit, begun.stderr]).toEqual([0, '']);
      await expect
        .poll(async () => (await store.status()).move?.sessionsDone ?? 0, { timeout: 60_000 })
        .toBeGreaterThan(3);
      const aborted = await run('abort', '--ring', 'ring.json');
      expect([aborted.exit, aborted.stderr]).toEqual([0, '']);
      expect(aborted.stdout).toContain('All is back where it was.');
      expect(aborted.stdout).toMatch(/Ring of 3 nodes, 2 copies {2}epoch 3/);
      expect(aborted.stdout).toMatch(/n2 +up +yes +20 +14563 +7282 /);
    });
    expect((await store.status()).fingerprint).not.toBe(before);
    await inOrder(run, ids.length);
  });
});

describe('a node that will not come back', () => {
  long.test('of two: nothing can be changed before somebody says that it is dead', async () => {
    const { servers, store, ids, run } = await application(40, { members: 2 });
    await servers[1]!.kill();
    await servedWhile(store, ids, async () => {
      const plan = await run('plan', '--ring', 'ring.json', '--remove', 'n2', '--out', 'gone.json');
      // Somebody should look: two copies on one node are one.
      expect([plan.exit, plan.stderr]).toEqual([1, '']);
      expect(plan.stdout).toContain('2 copies were asked for, and there is 1 node with a weight');
      const refused = await run('apply', 'gone.json', '--ring', 'ring.json');
      expect(refused.exit).toBe(1);
      expect(refused.stderr.replace(/\n\s*/g, ' ')).toMatch(/if n2 will not come back, say that it is dead/);
      const { stdout, stderr } = await run('apply', 'gone.json', '--ring', 'ring.json', '--dead', 'n2');
      expect([stderr, stdout]).toEqual([
        '',
        expect.stringContaining('Done. All sessions are where the new table says.'),
      ]);
      expect(stdout).toMatch(/Ring of 1 node, 2 copies {2}epoch 2/);
    });
    await inOrder(run, ids.length);
  });

  long.test('leaves by a plan, once somebody says that it is dead; all are served, before and after', async () => {
    const { servers, store, ids, run } = await application(40);
    await servers[1]!.kill();
    await servedWhile(store, ids, async () => {
      const plan = await run('plan', '--ring', 'ring.json', '--remove', 'n2', '--out', 'gone.json');
      expect([plan.exit, plan.stderr]).toEqual([0, '']);
      const { stdout, stderr } = await run('apply', 'gone.json', '--ring', 'ring.json', '--dead', 'n2');
      expect([stderr, stdout]).toEqual([
        '',
        expect.stringContaining('Done. All sessions are where the new table says.'),
      ]);
      expect(stdout).toMatch(/Ring of 2 nodes, 2 copies {2}epoch 2/);
    });
    await inOrder(run, ids.length);
  });

  test('is replaced by an empty server of the same name, at another address', async () => {
    const { servers, ids, at, run } = await application(40);
    await servers[1]!.kill();
    const spare = await startRedis({ password: SECRET });
    const file = JSON.parse(readFileSync(at('ring.json'), 'utf8')) as { nodes: { url: string }[] };
    file.nodes[1]!.url = spare.url;
    writeFileSync(at('ring.json'), JSON.stringify(file));
    // Whoever joins the ring with the new address fills it; here that is the tool.
    const verified = async () => {
      await run('repair', '--ring', 'ring.json');
      return run('verify', '--ring', 'ring.json');
    };
    await expect.poll(verified, { timeout: 60_000, interval: 100 }).toMatchObject({
      exit: 0,
      stdout: `Looked at ${ids.length} sessions; of ${ids.length} all copies are there and the same.\n`,
    });
  });
});

describe('through another client', () => {
  async function looked(client: string) {
    const { ids, at, servers } = await application(20);
    const program = installed(at('.'), [client]);
    const run = (...args: string[]) => sojourn(['ring', ...args, '--ring', 'ring.json'], at('.'), program);
    expect(await run('verify')).toEqual({
      exit: 0,
      stdout: `Looked at ${ids.length} sessions; of ${ids.length} all copies are there and the same.\n`,
      stderr: '',
    });
    if (exam) {
      const drained = await run('drain', 'n3');
      expect([drained.exit, drained.stderr]).toEqual([0, '']);
      expect(drained.stdout).toContain('Done. All sessions are where the new table says.');
    }
    await servers[0]!.kill();
    const ill = await run('status');
    expect([ill.exit, ill.stderr]).toEqual([1, '']);
    expect(ill.stdout).toContain('! Node n1 does not answer');
  }

  test('ioredis, where that is the one that is installed', () => looked('ioredis'));
  long.test('iovalkey, where that is the one that is installed', () => looked('iovalkey'));
});

describe('what cannot be is a sentence', () => {
  test('no ring, no server, no file, no plan', async () => {
    const server: RedisServer = await startRedis({ password: SECRET });
    const folder = tempFolder('live');
    const run = (...args: string[]) => sojourn(['ring', ...args], folder);
    const nowhere = await freePort();
    writeFileSync(join(folder, 'table.json'), '{"owners":"AQAA","nodes":[]}');
    writeFileSync(join(folder, 'odd.json'), `{"nodes":[{"name":"a","url":"http://:${SECRET}@h"}]}`);
    writeFileSync(join(folder, 'torn.json'), `{"nodes":[{"name":"a","url":"redis://:${SECRET}@h"`);
    writeFileSync(
      join(folder, 'twice.json'),
      '{"nodes":[{"name":"a","url":"redis://h"},{"name":"a","url":"redis://i"}]}',
    );
    const node = ['--node', `a=${server.url}`];
    const cases: [args: string[], exit: number, sentence: RegExp][] = [
      [['status', ...node], 1, /there is no ring on these nodes under the usual prefix/],
      [['status', ...node, '--prefix', 'shop:'], 1, /there is no ring on these nodes under the prefix "shop:"/],
      [
        ['status', '--node', `a=redis://:${SECRET}@127.0.0.1:${nowhere}`],
        1,
        /none of the nodes answers \(a at 127\.0\.0\.1:\d+\)/,
      ],
      [['status', '--node', `a=redis://:wrong@127.0.0.1:${server.port}`], 1, /none of the nodes answers/],
      [['status'], 2, /--ring is missing: name the servers by --ring FILE, or by --node/],
      [['status', '--ring', 'none.json'], 1, /"none\.json" does not exist/],
      [['status', '--ring', 'table.json'], 1, /it is the table of a ring; give it to --table/],
      [['status', '--ring', 'odd.json'], 1, /url of nodes\[0\] must be an address like redis:/],
      [['status', '--ring', 'torn.json'], 1, /it is not JSON; it must be like/],
      [['status', '--ring', 'twice.json'], 1, /a is there twice/],
      [['status', '--ring', 'twice.json', ...node], 2, /--node does not go with --ring/],
      [['status', '--node', 'a'], 2, /--node a takes an address|has a name that cannot be/],
      [['status', '--node', 'a=redis://h,wieght=3'], 2, /takes weight= and zone= once each/],
      [['apply', '--ring', 'twice.json'], 2, /<plan> is missing/],
      [['apply', 'odd.json', ...node], 1, /"odd\.json" is no plan/],
      [['drain', ...node], 2, /<node> is missing/],
      [['plan', ...node], 2, /CHANGE is missing/],
      [['repair', ...node, '--slot', '16384'], 2, /--slot must be a whole number from 0 to 16383/],
    ];
    for (const [args, exit, sentence] of cases) {
      const ran = await run(...args);
      const said = ran.stderr.replace(/\n\s*/g, ' ');
      expect([args.join(' ').replaceAll(SECRET, '***'), ran.exit, ran.stdout]).toEqual([
        args.join(' ').replaceAll(SECRET, '***'),
        exit,
        '',
      ]);
      expect(said).toMatch(sentence);
      expect(said).not.toContain(SECRET);
      expect(said).not.toMatch(/fault of sojourn|\.js:\d|wrong@/);
    }
    // And nothing was begun.
    expect(await server.raw('DBSIZE')).toBe(0);
  });
});
