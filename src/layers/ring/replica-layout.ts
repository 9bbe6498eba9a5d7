/**
 * Where things stand in the bytes of a replica: what its writer and its reader share.
 *
 * There is one way to write a replica down, so that two that mean the same are the same bytes; a reader refuses every other way.
 * What is usual costs nothing: a session that was just created takes 18 bytes more than its record, however many fields it has.
 * Each commit that writes fields adds 13 for all of them together, as long as one of them is its last; a
 * deleted field keeps its name and two bytes, for a day. A rotation adds 12 until the next login, and the last 15 commits four each.
 *
 *     ended:  ENDED, stamp, until when (6 bytes)
 *     live:   LIVE, shape, begun, [proof], [lifetime], [floor], lineage, head as in a record (steps 1 to 6),
 *             fields of `begun`; then for each other stamp, the earlier first: the stamp and its fields
 *     fields: twice their number, and one more where others follow (a count); then each, in the order of their names
 *     field:  length of its name (a byte), length of its value and one more (a count; 0 is a tombstone), name, value
 */

/** The first byte. A number is never used again for another format; records begin with 1. */
export const LIVE = 0x41;
export const ENDED = 0x42;

/** The second byte: its low half says how many commits the lineage knows, so that is the most; the rest says which stamps follow. */
export const LINEAGE_LENGTH = 15;
/** Two would not do: of 65,536 writers that lose a race one would be told that his swap is in what the winner has written. */
export const TRACE_BYTES = 4;
export const OWN_PROOF = 16;
export const LIFETIME_OF_PROOF = 32;
export const OWN_LIFETIME = 64;
export const FLOOR = 128;
export const SHAPE_BYTES = 2;

export const UNTIL_BYTES = 6;
export const LAST_UNTIL: number = 2 ** 48 - 1;

export const MOST_FIELDS = 0xffff;
/** Tombstones in one replica. One more, and the oldest are dropped before their time: the floor rises. */
export const MOST_TOMBSTONES = 128;
