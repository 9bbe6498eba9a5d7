/**
 * Writers that are killed at a random moment, and what must be there of what they told (test/programs/store-writer.ts).
 *
 * Nothing torn, nothing acknowledged lost, and whoever was found by user before is found by user still.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Indexed, Listable, Store, Stored } from '../../src/contract.js';
import { startNode } from './spawn.js';

const WRITES = 6;

/** Starts a writer, kills it within `lifeMs` of its first acknowledged write, and returns the lines that it told. */
export async function killedWriter(
  kind: 'lmdb' | 'file',
  folder: string,
  mode: string,
  user: string,
  lifeMs: number,
): Promise<readonly string[]> {
  const args = [kind, folder, mode, user];
  const writer = await startNode('build/test/programs/store-writer.js', args, { ready: /created/ });
  await wait(Math.random() * lifeMs);
  writer.signal('SIGKILL');
  expect(await writer.exited).toEqual({ code: null, signal: 'SIGKILL' });
  // The last line may be cut off: then it was not told.
  return writer.output().split('\n').slice(0, -1);
}

/** Each session as its writer last knew it, or one write later: that one was under way. */
export async function expectKept(store: Store & Indexed, user: string, log: readonly string[]): Promise<void> {
  const last = new Map<string, number>();
  const destroyed = new Set<string>();
  const bound = new Set<string>();
  for (const line of log) {
    const [, verb, id, n] = /^(created|bound|wrote|destroyed) (\S+) ?(\d*)$/.exec(line) ?? expect.fail(line);
    if (verb === 'destroyed') destroyed.add(id!);
    else if (verb === 'bound') bound.add(id!);
    else last.set(id!, Number(n));
  }
  const found = await idsOf(store.byUser(user));
  for (const [id, n] of last) {
    const stored = await store.load(id);
    if (destroyed.has(id)) expect(stored).toBeNull();
    else if (stored !== null) {
      expect([n, n + 1]).toContain(writeOf(stored));
      if (bound.has(id)) expect(found).toContain(id);
    }
    // Absent only if its destroy was under way.
    else expect(n).toBe(WRITES);
  }
}

/** The index of a user names the sessions of that user, and no others. */
export async function expectIndex(store: Indexed & Listable, user: string): Promise<void> {
  const bound: string[] = [];
  for await (const [id, head] of store.list()) if (head.user === user) bound.push(id);
  expect((await idsOf(store.byUser(user))).sort()).toEqual(bound.sort());
}

/** The number of the write that a session shows, after checking that all of its fields are of that write. */
export function writeOf({ fields }: Stored): number {
  if (fields.size === 0) return 0;
  const n = fields.get('a')![0]!;
  const whole = Buffer.alloc(400 * n, n);
  if (!['a', 'b', 'c'].every((name) => whole.equals(fields.get(name)!))) expect.fail('A session is torn.');
  return n;
}

/** The ids of a walk. */
export async function idsOf(entries: AsyncIterable<readonly [id: string, head: unknown]>): Promise<string[]> {
  const ids: string[] = [];
  for await (const [id] of entries) ids.push(id);
  return ids;
}
