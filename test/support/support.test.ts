/** The test support itself: what it promises to the tests that lean on it. */
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort, onFreePort } from './ports.js';
import { start, startNode } from './spawn.js';
import { tempFolder } from './temp.js';

test('a port is free and outside the range that outgoing connections use', async () => {
  const port = await freePort();

  expect(port).toBeGreaterThanOrEqual(10_000);
  expect(port).toBeLessThanOrEqual(32_767);
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  await new Promise((resolve) => server.close(resolve));
});

test('a server that finds its port taken is started again on another one', async () => {
  const tried: number[] = [];

  const port = await onFreePort(async (candidate) => {
    tried.push(candidate);
    if (tried.length === 1) throw new Error('bind: Address already in use');
    return candidate;
  });

  expect(tried).toHaveLength(2);
  expect(port).toBe(tried[1]);
});

test('a temporary folder is new, and no two are the same', () => {
  const [a, b] = [tempFolder(), tempFolder()];
  writeFileSync(join(a, 'x'), '');

  expect(a).not.toBe(b);
  expect(existsSync(join(b, 'x'))).toBe(false);
});

test('a program is handed over when it says that it is ready, and stops when asked', async () => {
  const program = await start(
    process.execPath,
    ['-e', `console.log('listening on 4711'); setInterval(() => {}, 1000)`],
    {
      ready: /listening on (\d+)/,
    },
  );

  expect(program.ready?.[1]).toBe('4711');
  expect(await program.stop()).toEqual({ code: null, signal: 'SIGTERM' });
  expect(await program.stop()).toEqual({ code: null, signal: 'SIGTERM' });
});

test('a program that dies before it is ready fails at once and shows what it wrote', async () => {
  const attempt = start(process.execPath, ['-e', `console.error('no such database'); process.exit(3)`], {
    ready: /ready/,
  });

  await expect(attempt).rejects.toThrow(/exit code 3[\s\S]*no such database/);
});

test('a program that does not exist is an error, not a hang', async () => {
  await expect(start('/nowhere/nothing', [], { ready: /ready/ })).rejects.toThrow(/could not be started/);
});

test('a frozen program can still be stopped', async () => {
  const script = join(tempFolder(), 'sleeper.mjs');
  writeFileSync(script, `console.log('ready'); setInterval(() => {}, 1000)`);
  const program = await startNode(script, [], { ready: /ready/ });
  program.signal('SIGSTOP');

  await program.stop();

  expect(() => process.kill(program.pid, 0)).toThrow();
});
