/**
 * What stands where in Redis, and under which name.
 *
 *   <prefix><id>                 a session: one string (value.ts) that expires by itself
 *   <prefix>index:<000..fff>     user index: a sorted set of `<user><id>` by the second in which the entry is out of date
 *   <prefix>cell:=<id>           a cell of a ring: one string (core/cell.ts) that expires by itself
 *   <prefix>cell:index:<000..fff> user index of the cells, like that of the sessions
 *   <prefix>cell:fence:<slot>    the epoch before which a slot is closed for cells, as text; most slots have none
 *   <prefix>ended                a channel: `<tag> <id>` of sessions that were destroyed, the tag being that of the process that did it
 *
 * The index is a fixed number of sorted sets rather than one for each user: a key of its own costs Redis 150 bytes, an entry in a
 * small sorted set 45. A user's entries are all in the set that the first three hex digits of SHA-1(user) name; the next eight
 * stand in front of the id. Whoever shares both with another user costs a look at a head. SHA-1, because Redis' scripts have it; nobody
 * gains anything by making two user names collide, since every entry is compared with its session.
 */
import { createHash } from 'node:crypto';
import { show } from '../../core/options.js';
import { failure } from '../../errors.js';

/** Longer ids are unknown ids: what the engine makes has 22 characters. */
const MAX_ID_LENGTH = 255;

/** With a ring's words in front of an id of that length. */
const MAX_CELL_ID_LENGTH = 511;

const INDEX = 'index:';
const CELL = 'cell:';
/** What the names of our own keys begin with. */
const RESERVED = [INDEX, CELL] as const;

/** Hex digits of SHA-1(user): these name the bucket, the next ones stand in the entry. */
const BUCKET_DIGITS = 3;
const USER_DIGITS = 8;

/** Entries are filed by the half hour, so that a session that is touched again and again is filed anew once in a half hour. */
const FILING_MS = 1_800_000;
/** Later deadlines are filed as this one: the year 144683. */
const LAST_DEADLINE = 2 ** 52;

/**
 * `prefix` itself; SOJOURN_OPTION unless it ends in a colon and is made of what is no pattern for SCAN and no hash tag for a cluster.
 * The colon keeps `app:` and `apple:` apart. The engine's ids hold none, so `app:` and `app:v2:` are two places as well.
 */
export function checkedPrefix(prefix: unknown): string {
  if (typeof prefix === 'string' && /^[\w.\-/:]{0,63}:$/.test(prefix)) return prefix;
  throw failure('SOJOURN_OPTION', {
    option: 'prefix of redis',
    wanted: "must be 1 to 64 letters, digits or _ - . / : and end with a colon, like 'app:'",
    got: show(prefix),
  });
}

/** True for what can be an id of a session. Everything else is an id that no session has. */
export function isId(id: string): boolean {
  return id.length > 0 && id.length <= MAX_ID_LENGTH && id.isWellFormed();
}

/** The key of a session. Ids that begin like the names of our own keys get one more colon: no such name goes on with one. */
export function sessionKey(prefix: string, id: string): string {
  const own = RESERVED.find((name) => id.startsWith(name));
  return own === undefined ? prefix + id : `${prefix}${own}:${id.slice(own.length)}`;
}

/** The id of a session's key, or undefined for a key of another kind. */
export function idOfKey(prefix: string, key: string): string | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const name = key.slice(prefix.length);
  const own = RESERVED.find((each) => name.startsWith(`${each}:`));
  const id = own === undefined ? name : own + name.slice(own.length + 1);
  return isId(id) && sessionKey(prefix, id) === key ? id : undefined;
}

/** True for what can be an id of a cell. */
export function isCellId(id: string): boolean {
  return id.length > 0 && id.length <= MAX_CELL_ID_LENGTH && id.isWellFormed();
}

/** What keys about cells begin with; with it, `userEntries` and all else about the index is about that of the cells. */
export function cellPrefix(prefix: string): string {
  return prefix + CELL;
}

export function cellKey(prefix: string, id: string): string {
  return `${prefix}${CELL}=${id}`;
}

/** The id of a cell's key, or undefined for a key of another kind. */
export function idOfCellKey(prefix: string, key: string): string | undefined {
  const begin = cellKey(prefix, '');
  return key.startsWith(begin) ? key.slice(begin.length) : undefined;
}

/** Of a slot; without one, what all of them begin with. */
export function fenceKey(prefix: string, slot: number | ''): string {
  return `${prefix}${CELL}fence:${slot}`;
}

/** Where all buckets begin. */
export function indexPrefix(prefix: string): string {
  return prefix + INDEX;
}

export interface UserEntries {
  readonly bucket: string;
  /** What all entries of the user begin with. */
  readonly mark: string;
}

export function userEntries(prefix: string, user: string): UserEntries {
  const hash = createHash('sha1').update(user).digest('hex');
  return {
    bucket: indexPrefix(prefix) + hash.slice(0, BUCKET_DIGITS),
    mark: hash.slice(BUCKET_DIGITS, BUCKET_DIGITS + USER_DIGITS),
  };
}

/** Where a session stands in the index, and until which second. */
export interface Filing {
  readonly bucket: string;
  readonly entry: string;
  readonly till: number;
}

export function filingOf(prefix: string, user: string, id: string, till: number): Filing {
  const { bucket, mark } = userEntries(prefix, user);
  return { bucket, entry: mark + id, till };
}

/**
 * The second until which an entry is kept: half an hour to an hour after the deadline, so that no entry is dropped while a
 * login that wrote it can still be under way, and touches within the same half hour need no filing.
 */
export function filedUntil(expiresAt: number): number {
  return (Math.ceil(Math.min(Math.max(expiresAt, 0), LAST_DEADLINE) / FILING_MS) + 1) * (FILING_MS / 1000);
}

export function endedChannel(prefix: string): string {
  return `${prefix}ended`;
}
