/**
 * The copies of a session, looked at one by one on the nodes themselves: what `where` and `verify` are about.
 *
 * The ring is asked for its table and for nothing else, since it would read through differences, and repair them on the way. All copies of
 * a session are the same bytes in good times, so comparing their marks is enough.
 */
import { isFailure } from '../../errors.js';
import { tableId, textIn } from '../../layers/ring/control.js';
import { readReplica } from '../../layers/ring/replica-read.js';
import { fingerprint, type RingTable, readTable } from '../../ring/table.js';
import type { LiveRing } from './live.js';

/** What one node has under an id. */
export type Copy =
  | { readonly is: 'live'; readonly mark: string; readonly version: number; readonly expiresAt: number }
  /** The session has ended, and this says so to whoever is late. */
  | { readonly is: 'ended'; readonly mark: string; readonly keepUntil: number }
  | { readonly is: 'absent' }
  | { readonly is: 'unreadable'; readonly mark?: string }
  | { readonly is: 'unreachable' };

/** The table in force, from any node that has it. */
export async function tableInForce({ store, stores }: LiveRing): Promise<RingTable> {
  await store.status();
  const { fingerprint: name } = store.describe();
  let problem: unknown;
  for (const node of stores.values()) {
    try {
      const cell = await node.cells!.read(tableId(name));
      if (cell === null) continue;
      const table = readTable(textIn(cell));
      if (fingerprint(table) === name) return table;
    } catch (error) {
      problem = error;
    }
  }
  throw problem ?? new Error(`no node has the table ${name}`);
}

export async function copyOn({ stores }: LiveRing, node: string, id: string): Promise<Copy> {
  let mark: string | undefined;
  try {
    const cell = await stores.get(node)!.cells!.read(id);
    if (cell === null) return { is: 'absent' };
    mark = Buffer.from(cell.mark).toString('hex');
    const replica = readReplica(Buffer.from(cell.bytes), id);
    if (replica.kind === 'ended') return { is: 'ended', mark, keepUntil: cell.keepUntil };
    return { is: 'live', mark, version: replica.head.version, expiresAt: replica.head.expiresAt };
  } catch (error) {
    if (isFailure(error, 'SOJOURN_CORRUPT')) return { is: 'unreadable', ...(mark !== undefined && { mark }) };
    return { is: 'unreachable' };
  }
}
