/**
 * The least that a store on LMDB can cost: the bare package, a record of the same size, a read on a fresh snapshot, and a
 * read, a copy and a conditional put with as many in flight. No head, no fields, no index, no rule. What a store adds to this
 * is its own; what this costs, no store on LMDB can save.
 */
import { createRequire } from 'node:module';
import { inTurns } from '../support/rounds.js';
import { IN_FLIGHT } from './traffic.js';

type Lmdb = typeof import('lmdb');
const RECORD_BYTES = 1100;

export interface Floor {
  read(times: number): Promise<void>;
  write(times: number): Promise<void>;
  close(): Promise<void>;
}

export async function lmdbFloor(folder: string, ids: readonly string[]): Promise<Floor> {
  // The same copy of the package as the store's: two in one process do not get along.
  const { open, getLastVersion } = createRequire(import.meta.url)('lmdb') as Lmdb;
  const root = open(folder, { noSync: true, overlappingSync: false, maxDbs: 1, mapSize: 256 * 1024 * 1024 });
  const records = root.openDB<Uint8Array, string>('records', { encoding: 'binary', useVersions: true });
  await Promise.all(ids.map((id) => records.put(id, Buffer.alloc(RECORD_BYTES, 120), 1)));

  function peek(id: string): Uint8Array {
    root.resetReadTxn();
    const shared = records.getBinaryFast(id)!;
    return Buffer.from(shared.buffer, shared.byteOffset, RECORD_BYTES);
  }

  async function write(times: number): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let i = next++; i < times; i = next++) {
        const id = ids[i % ids.length]!;
        const copy = Buffer.from(peek(id));
        const version = getLastVersion();
        if (!(await records.put(id, copy, version + 1, version))) throw new Error('Nobody else writes here.');
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  }

  return {
    read: (times) => inTurns(times, (i) => Buffer.from(peek(ids[i % ids.length]!))),
    write,
    close: () => root.close(),
  };
}
