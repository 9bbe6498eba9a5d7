/** The two-process kit: it passes a store that processes may share, and finds three well-known ways to get that wrong. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { twoProcessKit } from '../src/testing/index.js';
import { collect } from './support/collect.js';
import { tempFolder } from './support/temp.js';

const program = 'build/test/programs/shared-file.js';
const command = (flaw: string) => [process.execPath, program, join(tempFolder('two'), 'sessions'), flaw];

test('the program of this test has been built', () => {
  expect(existsSync(program), `${program} is missing. Run: npm run build`).toBe(true);
});

twoProcessKit({ describe, test }, { name: 'a file with a lock', command: command('none'), rounds: 30 });

describe('the two-process kit', () => {
  const flaws = [
    ['no lock', 'increments by swap from two processes lose none'],
    ['snapshot', 'what one process has been told is saved, the other one sees'],
    ['late', 'what one process has been told is saved, the other one sees'],
    ['late', 'what was saved is there after the process that saved it was killed'],
  ];
  test.each(flaws)('finds: %s (%s)', async (flaw, breaks) => {
    const { failed } = await collect((runner) => twoProcessKit(runner, { command: command(flaw), rounds: 30 }), breaks);
    expect([...failed.values()].map(({ message }) => message)).toEqual([
      expect.stringContaining(`Broken promise: ${breaks}`),
    ]);
  });

  test('tells why a program could not be started', async () => {
    const script = 'console.error("no such place"); process.exit(3)';
    const { failed, passed } = await collect((runner) =>
      twoProcessKit(runner, { command: [process.execPath, '-e', script] }),
    );
    expect(passed).toEqual([]);
    for (const { message } of failed.values())
      expect(message).toMatch(/ended with code 3\. It wrote to stderr: no such place/);
    const { failed: unknown } = await collect(
      (runner) => twoProcessKit(runner, { command: ['/nowhere/at/all'] }),
      'killed',
    );
    expect(unknown.size).toBe(1);
    for (const { message } of unknown.values()) expect(message).toContain('could not be started');
  });

  test('asks for a command', () => {
    expect(() => twoProcessKit({ describe, test }, { command: [] })).toThrow(/Option command of twoProcessKit/);
  });
});
