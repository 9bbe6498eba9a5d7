/** The fault proxy does what it was told to, to the byte, on a server that echoes and on a real Redis. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { removeLater } from './cleanup.js';
import { need } from './needs.js';
import { onFreePort } from './ports.js';
import { type FaultProxy, faultProxy } from './proxy.js';
import { startRedis } from './redis.js';

const redisTest = need('redis').test;

test('in fair weather bytes go both ways, ends are passed on, and figures are kept', async () => {
  const { proxy, echo } = await stage();
  const ann = await client(proxy);
  ann.socket.write('hello');
  await ann.has('hello');
  expect(proxy.links.map(({ open, bytes }) => ({ open, bytes }))).toEqual([
    { open: true, bytes: { requests: 5, replies: 5 } },
  ]);

  ann.socket.end();
  await ann.ended;
  expect(ann.reset()).toBe(false);
  await until(() => proxy.links.length === 0 && echo.sockets.size === 0);
});

test('a cut is a reset on both sides, of one connection or of all', async () => {
  const { proxy, echo } = await stage();
  const [ann, ben] = [await client(proxy), await client(proxy)];
  proxy.links[0]?.cut();
  await ann.ended;
  expect(ann.reset()).toBe(true);
  await until(() => echo.resets === 1 && proxy.links.length === 1);

  ben.socket.write('still here');
  await ben.has('still here');
  proxy.cut();
  await ben.ended;
  expect(ben.reset()).toBe(true);
});

test('a cut after so many bytes delivers exactly those', async () => {
  const { proxy } = await stage();
  const ann = await client(proxy);
  ann.socket.write('12345');
  await ann.has('12345');
  proxy.links[0]?.cut(4);
  ann.socket.write('6789abc');
  await ann.ended;
  expect(ann.text()).toBe('123456789');
  expect(ann.reset()).toBe(true);
});

test('refused: nobody listens; reset: connections are made and fall; after both it is as before', async () => {
  const { proxy } = await stage();
  const ann = await client(proxy);
  await proxy.down();
  await ann.ended;
  await expect(client(proxy)).rejects.toThrow(/ECONNREFUSED/);

  await proxy.up();
  await proxy.down('reset');
  const before = proxy.accepted;
  const ben = client(proxy).then(({ ended }) => ended);
  await ben.catch((error) => expect(String(error)).toMatch(/ECONNRESET/));
  expect(proxy.accepted).toBe(before + 1);

  await proxy.up();
  const cyd = await client(proxy);
  cyd.socket.write('back');
  await cyd.has('back');
});

test('a server that is gone looks like a reset, and another one can take its place', async () => {
  const { proxy } = await stage();
  const other = await echoServer();
  proxy.aim(await onFreePort(async (port) => port));
  const ann = await client(proxy);
  await ann.ended;
  expect(ann.reset()).toBe(true);

  proxy.aim(other.port);
  const ben = await client(proxy);
  ben.socket.write('other');
  await ben.has('other');
});

test('latency delays replies and keeps their order', async () => {
  const { proxy } = await stage();
  proxy.set({ latencyMs: 60, jitterMs: 40 });
  const ann = await client(proxy);
  const begun = performance.now();
  for (const word of ['a', 'b', 'c', 'd', 'e', 'f']) {
    ann.socket.write(word);
    await wait(5);
  }
  await ann.has('abcdef');
  expect(performance.now() - begun).toBeGreaterThanOrEqual(60);
});

test('slices: all bytes in order, in pieces so small that the receiver sees many', async () => {
  const sent = 'x'.repeat(300) + 'y'.repeat(300);
  for (const sliceTo of [1, 3]) {
    const { proxy } = await stage();
    proxy.set({ sliceTo });
    const ann = await client(proxy);
    let pieces = 0;
    ann.socket.on('data', () => pieces++);
    ann.socket.write(sent);
    await ann.has(sent);
    expect(pieces).toBeGreaterThan(20);
  }
});

test('held back: nothing arrives while it lasts, everything afterwards, the end included', async () => {
  const { proxy } = await stage();
  const ann = await client(proxy);
  proxy.links[0]?.set({ replies: 'hold' });
  ann.socket.write('one');
  ann.socket.write('two');
  ann.socket.end();
  await wait(30);
  expect(ann.text()).toBe('');
  expect(ann.socket.readableEnded).toBe(false);
  proxy.heal();
  await ann.ended;
  expect(ann.text()).toBe('onetwo');
});

test.each(['requests', 'replies'] as const)(
  'half open (%s): bytes and ends vanish, the sockets stay, and a link that lost bytes is reset when it is over',
  async (direction) => {
    const { proxy, echo } = await stage();
    const [ann, ben] = [await client(proxy), await client(proxy)];
    proxy.set({ [direction]: 'swallow' });
    ann.socket.write('lost');
    await wait(30);
    expect(ann.text()).toBe('');
    expect(echo.received).toBe(direction === 'requests' ? '' : 'lost');
    if (direction === 'replies') {
      for (const socket of echo.sockets) socket.end();
      await wait(30);
      expect(ann.socket.readableEnded).toBe(false);
    }
    expect(ann.socket.destroyed).toBe(false);

    proxy.heal();
    await ann.ended;
    expect(ann.reset()).toBe(true);
    if (direction === 'requests') {
      ben.socket.write('never lost a byte');
      await ben.has('never lost a byte');
    }
  },
);

redisTest('the next reply to a command: lost, missing, twice, cut, cut in the middle, held', async () => {
  const redis = await startRedis();
  const proxy = await faultProxy(redis.port);
  await redis.raw('SET', 'k', 'value');

  const twice = await client(proxy);
  const caught = proxy.next(/^GET k$/, 'twice');
  twice.socket.write('*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n');
  await twice.has('+PONG\r\n$5\r\nvalue\r\n$5\r\nvalue\r\n+PONG\r\n');
  expect(await caught).toMatchObject({ command: 'GET k', link: { commands: 3 } });

  const swallowed = await client(proxy);
  void proxy.next(/^GET/, 'swallow');
  swallowed.socket.write('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n');
  await swallowed.has('+PONG\r\n');

  const lost = await client(proxy);
  const lostOne = proxy.next(/^INCR/, 'lose');
  lost.socket.write('*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n*1\r\n$4\r\nPING\r\n');
  await lostOne;
  await wait(30);
  expect(lost.text()).toBe('');
  expect(await redis.raw('GET', 'n')).toBe('1');
  expect(lost.socket.destroyed).toBe(false);

  const cut = await client(proxy);
  void proxy.next(/^GET/, 'cut');
  cut.socket.write('*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n');
  await cut.ended;
  expect(cut.text()).toBe('+PONG\r\n');

  const within = await client(proxy);
  void proxy.next(/^GET/, 'cut within');
  within.socket.write('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n');
  await within.ended;
  expect(within.text()).toBe('$5\r\nva');
  expect(within.reset()).toBe(true);

  const held = await client(proxy);
  const holding = proxy.next(/^GET/, 'hold');
  held.socket.write('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n');
  const { release } = await holding;
  proxy.set({ latencyMs: 1 }); // other weather does not free it
  await wait(30);
  expect(held.text()).toBe('');
  release();
  await held.has('$5\r\nvalue\r\n+PONG\r\n');
});

redisTest('a connection is known by its name and by what it is for, and can be cut alone', async () => {
  const redis = await startRedis();
  const proxy = await faultProxy(redis.port);
  const [plain, tracking, listening] = [await client(proxy), await client(proxy), await client(proxy)];
  plain.socket.write('*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$3\r\napp\r\n');
  tracking.socket.write(`${command('HELLO', '3', 'SETNAME', 'near')}${command('CLIENT', 'TRACKING', 'ON', 'NOLOOP')}`);
  listening.socket.write(command('SUBSCRIBE', 'ended'));
  await Promise.all([plain.has('+OK\r\n'), tracking.has('+OK\r\n'), listening.has(':1\r\n')]);

  expect(proxy.links.map(({ name, tracking, subscribed }) => ({ name, tracking, subscribed }))).toEqual([
    { name: 'app', tracking: false, subscribed: false },
    { name: 'near', tracking: true, subscribed: false },
    { name: undefined, tracking: false, subscribed: true },
  ]);
  proxy.links.find((link) => link.tracking)?.cut();
  await tracking.ended;
  await until(() => proxy.links.length === 2);
  expect(plain.socket.destroyed).toBe(false);
});

redisTest('pushes alone are late or lost; replies overtake them, and stay with their commands', async () => {
  const redis = await startRedis();
  const proxy = await faultProxy(redis.port);
  const near = await client(proxy);
  near.socket.write(`${command('HELLO', '3')}${command('CLIENT', 'TRACKING', 'ON')}`);
  await near.has('+OK\r\n');

  const follow = async (value: string): Promise<void> => {
    near.clear();
    near.socket.write(command('GET', 'k'));
    await near.has('\r\n');
    await redis.raw('SET', 'k', value);
    near.socket.write(command('PING'));
  };
  await follow('1');
  await near.has('>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n+PONG\r\n');

  proxy.set({ pushDelayMs: 60, sliceTo: 2 });
  await follow('2');
  await near.has('+PONG\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n');

  proxy.set({ pushDelayMs: 0, sliceTo: 0, pushes: 'swallow' });
  await follow('3');
  await near.has('$1\r\n2\r\n+PONG\r\n');
  const kept = proxy.next(/^ECHO/, 'pass');
  near.socket.write(command('ECHO', 'mine'));
  expect((await kept).command).toBe('ECHO mine');
  expect(near.text()).not.toContain('invalidate');

  const listener = await client(proxy);
  listener.socket.write(command('SUBSCRIBE', 'a', 'b'));
  await until(async () => ((await redis.raw('PUBSUB', 'NUMSUB', 'b')) as number[])[1] === 1);
  await redis.raw('PUBLISH', 'a', 'never heard');
  listener.socket.write(command('PING', 'me'));
  await listener.has('*2\r\n$4\r\npong\r\n$2\r\nme\r\n');
  expect(listener.text()).not.toContain('never heard');
});

redisTest(
  '10 clients with 500 pipelined commands each through slices and latency: everybody gets their own',
  async () => {
    const redis = await startRedis();
    const proxy = await faultProxy(redis.port);
    proxy.set({ sliceTo: 50, jitterMs: 2 });
    await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        const one = await client(proxy);
        const words = Array.from({ length: 500 }, (_, i) => `client ${n} word ${i}\r\n`);
        one.socket.write(words.map((word) => command('ECHO', word)).join(''));
        await one.has(words.map((word) => `$${word.length}\r\n${word}\r\n`).join(''));
      }),
    );
  },
);

async function stage(): Promise<{ proxy: FaultProxy; echo: Echo }> {
  const echo = await echoServer();
  return { echo, proxy: await faultProxy(echo.port) };
}

interface Echo {
  readonly port: number;
  readonly sockets: Set<Socket>;
  received: string;
  resets: number;
}

function echoServer(): Promise<Echo> {
  return onFreePort(async (port) => {
    const echo: Echo = { port, sockets: new Set(), received: '', resets: 0 };
    const server: Server = createServer({ noDelay: true }, (socket) => {
      echo.sockets.add(socket);
      socket.on('data', (chunk) => {
        echo.received += chunk;
        socket.write(chunk);
      });
      socket.on('error', () => echo.resets++);
      socket.on('close', () => echo.sockets.delete(socket));
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const removeNow = () => {
      server.close();
      for (const socket of echo.sockets) socket.destroy();
    };
    removeLater({ remove: removeNow, removeNow });
    return echo;
  });
}

interface Client {
  readonly socket: Socket;
  /** What has come; empties with `clear`. */
  text(): string;
  clear(): void;
  /** Resolves when what has come ends with this. */
  has(text: string): Promise<void>;
  readonly ended: Promise<void>;
  reset(): boolean;
}

async function client({ port }: FaultProxy): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let text = '';
  let wasReset = false;
  const ended = new Promise<void>((resolve) => void socket.on('close', () => resolve()));
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'connect');
  socket.on('error', (error: NodeJS.ErrnoException) => {
    wasReset = error.code === 'ECONNRESET';
  });
  removeLater({ remove: () => void socket.destroy(), removeNow: () => void socket.destroy() });
  return {
    socket,
    text: () => text,
    clear: () => {
      text = '';
    },
    has: (end) =>
      until(
        () => text.endsWith(end),
        () => `got ${JSON.stringify(text.slice(-200))}`,
      ),
    ended,
    reset: () => wasReset,
  };
}

function command(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

async function until(holds: () => boolean | Promise<boolean>, state = () => ''): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain. ${state()}`);
    await wait(2);
  }
}
