/**
 * Sessions and commits as the engine would send them: ten encoded fields, one of them set, many commits in flight. A commit
 * that does not end as `ok` stops the run: figures of a store that refuses are figures of nothing.
 */
import { type Delta, json, type Store } from 'sojourn';
import { sample } from '../support/sample.js';

/** As many as the HTTP part has connections. */
export const IN_FLIGHT = 32;
const IDLE_MS = 1_800_000;

const codec = json();

export async function begin(store: Store, id: string): Promise<void> {
  const now = Date.now();
  const fields = new Map(Object.entries(sample()).map(([name, value]) => [name, codec.encode(value)]));
  const head = { createdAt: now, expiresAt: now + IDLE_MS, version: 1, generation: 0, secret: new Uint8Array(32) };
  await store.create(id, { head, fields });
}

export function views(value: string | number): Delta {
  const fields = new Map([['views', { op: 'set', value: codec.encode(value) } as const]]);
  return { generation: 0, head: { expiresAt: Date.now() + IDLE_MS }, fields };
}

/** So many commits over all sessions, `IN_FLIGHT` of them under way at any time. */
export async function commitViews(store: Store, ids: readonly string[], times: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < times; i = next++) {
      const { status } = await store.commit(ids[i % ids.length]!, views(i));
      if (status !== 'ok') throw new Error(`A commit ended as ${status}.`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

export async function sumOfVersions(store: Store, ids: readonly string[]): Promise<number> {
  const stored = await Promise.all(ids.map((id) => store.load(id)));
  return stored.reduce((sum, session) => sum + (session?.head.version ?? 0), 0);
}
