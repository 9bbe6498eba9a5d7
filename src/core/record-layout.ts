/**
 * Where things stand in a packed session: the numbers that the writer (record.ts) and the reader (record-read.ts) share.
 * The order of the parts is documented by the steps of the writer.
 *
 * Offsets are fixed where they can be, so that a head is read without walking; what is optional is announced by one byte of
 * flags. A schema library was rejected: seven numbers do not need one, and every record pays for its framing.
 */

/** The first byte picks the one decoder that reads the rest. A number is never used again for another format. */
export const FORMAT = 1;

/** The second byte: which optional parts of the head follow, and the ones that are yes or no. */
export const SECRET = 1;
export const PREVIOUS = 2;
export const PREVIOUS_OPENS_NOTHING = 4;
export const USER = 8;
export const SIGNED_IN = 16;
export const REMEMBER = 32;
export const REMEMBER_NO_MORE = 64;
export const KNOWN_FLAGS = 127;

/** Format, flags and the four numbers that every head has. */
export const FIXED_BYTES = 34;
