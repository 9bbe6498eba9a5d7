/** Chance that can be repeated: a generator (mulberry32) seeded with the digest of a text. For pictures only, never for secrets. */
import { createHash } from 'node:crypto';

/** Numbers from 0 up to, not including, 1. */
export function seeded(text: string): () => number {
  let state = createHash('sha256').update(text).digest().readUInt32LE(0);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
