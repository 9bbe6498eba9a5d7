/**
 * Which link has a key, in a cluster: the slot of the key, and the servers' own table of who has which slot.
 *
 * Servers are told apart by their node ids, which they name themselves (CLUSTER MYID): addresses may be translated on the way.
 * The client libraries' tables were not taken: two libraries, four majors, and none says from when its table is.
 */
import type { Reply } from './door.js';

export const SLOTS = 16384;

/** CRC16 (XMODEM) of what stands between the first braces, or of the whole key: the rule of the Redis Cluster specification. */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc % SLOTS;
}

/** The node id of the master of each slot, from the reply to CLUSTER SLOTS. */
export function ownersOf(reply: Reply): readonly (string | undefined)[] {
  const owners = new Array<string | undefined>(SLOTS).fill(undefined);
  for (const range of Array.isArray(reply) ? reply : []) {
    const [first, last, master] = range as readonly [number, number, readonly Reply[]];
    owners.fill(String(master[2]), first, last + 1);
  }
  return owners;
}

/** A key in one of these slots, to ask a server whether it still has them. Undefined for a server without slots. */
export function keyIn(slots: ReadonlySet<number>, prefix: string): string | undefined {
  if (slots.size === 0) return undefined;
  for (let n = 0; ; n++) {
    const key = `${prefix}{${n}}`;
    if (slots.has(slotOf(key))) return key;
  }
}
