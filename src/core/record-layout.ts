/**
 * Where things stand in a packed session: the numbers that the writer (record.ts) and the reader (record-read.ts) share.
 * The order of the parts is documented by the steps of the writer.
 *
 * A record is as short as its content allows, because stores round up: 1 KB of session and 70 bytes of head fit into what Redis
 * takes from its allocator as 1024 bytes, and a few bytes more would cost 256. What is optional is announced by one byte of flags.
 * Every part tells its own length, so that a script on a server can take over the parts that stay, byte by byte. A schema
 * library was rejected: seven numbers do not need one, and every record pays for its framing.
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

/** Format and flags. The parts of the head follow, none of them at a fixed place. */
export const FIXED_BYTES = 2;

/** A time takes so many bytes: whole milliseconds since the begin of 2024, until 2058. */
export const TIME_BYTES = 5;
export const TIMES_BEGIN: number = Date.UTC(2024);
/** The first that does not fit. Five bytes 0xff announce a 64-bit float, which holds any time. */
export const FLOAT_FOLLOWS: number = 2 ** 40 - 1;
export const FLOAT_BYTES = 8;

/** Seven bits a byte, low ones first; the top bit says that another byte follows. 53 bits take eight bytes at most. */
export const MOST_COUNT_BYTES = 8;
