/**
 * A session as it travels: what a sealer is given to seal, or what somebody else's format makes of it.
 *
 * The steps of `seal` are the content. The record is the one of stores that keep bytes (record.ts), so a session that travels is
 * looked into as lazily as one that is held. In front of it stands what a store would know by itself: the session's id; the marks of
 * this state and of those it was made from, so that a server can tell an older state from another branch (recent.ts); and the
 * user's notice that this login came after (notices.ts).
 */
import type { Environment, Sealer, SessionFormat } from '../contract.js';
import { countAt, countBytes } from './packed-fields.js';
import { type Packed, pack, unpack, writeCount } from './record.js';
import { idBytes, newId } from './token.js';

/** A session on its way. */
export interface Travelling {
  readonly id: string;
  readonly session: Packed;
  /** The session's record. */
  readonly record: Buffer;
  /** Three random bytes for this state, then those of the states before, as many as are known. Empty where a format has no place for them. */
  readonly marks: Buffer;
  /** The number of the user's notice when he signed in; 0: there was none. */
  readonly notice: number;
}

/** Between a token and what travels in it. */
export interface Form {
  readonly name: string;
  /** Whether states can be told apart, so that an answer that comes late is recognised. */
  readonly hasMarks: boolean;
  seal(travelling: Travelling, now: number): string;
  /** null for anything that is no token of ours. Never throws. */
  open(token: string, now: number): Travelling | null;
}

export const MARK_BYTES = 3;
/** In a token: this state and three before it. */
const MARKS_BYTES: number = 4 * MARK_BYTES;
const NO_MARKS: Buffer = Buffer.alloc(0);
const ID_BYTES = 16;
const MARKS_AT = ID_BYTES;
const NOTICE_AT = MARKS_AT + MARKS_BYTES;

export function formOf(seal: Sealer | SessionFormat, scope: string, random: Environment['random']): Form {
  return 'read' in seal ? foreign(seal, random) : own(seal, scope);
}

function own(sealer: Sealer, scope: string): Form {
  return {
    name: sealer.name ?? 'seal',
    hasMarks: true,

    seal({ id, record, marks, notice }) {
      const content = Buffer.allocUnsafe(NOTICE_AT + countBytes(notice) + record.length);
      // 1. The id, 16 bytes; four marks of 3 bytes, zeros where there were fewer states.
      content.set(idBytes(id), 0);
      content.fill(0, MARKS_AT, NOTICE_AT);
      content.set(marks.subarray(0, MARKS_BYTES), MARKS_AT);
      // 2. The number of the notice, seven bits a byte. 3. The record.
      content.set(record, writeCount(content, NOTICE_AT, notice));
      return sealer.seal(content, scope);
    },

    open(token) {
      const opened = sealer.unseal(token, scope);
      if (opened === null || opened.length <= NOTICE_AT) return null;
      const content = Buffer.isBuffer(opened) ? opened : Buffer.from(opened.buffer, opened.byteOffset, opened.length);
      const notice = countAt(content, NOTICE_AT);
      if (!Number.isSafeInteger(notice)) return null;
      const record = content.subarray(NOTICE_AT + countBytes(notice));
      const session = unpacked(record);
      if (session === null) return null;
      return {
        id: content.toString('base64url', 0, ID_BYTES),
        session,
        record,
        marks: content.subarray(MARKS_AT, NOTICE_AT),
        notice,
      };
    },
  };
}

/**
 * Somebody else's format has its own places. Inside it goes on as ours, so that all rules are written once. But its states cannot be
 * told apart: two visitors may have equal tokens, and an id made of one would give the second what the first has written. So each
 * reading has an id of its own, under which nothing is known.
 */
function foreign(format: SessionFormat, random: Environment['random']): Form {
  return {
    name: format.name,
    hasMarks: false,
    seal: ({ session: { head, fields } }, now) => format.write({ head, fields }, now),
    open(token, now) {
      const read = format.read(token, now);
      if (read === null) return null;
      const record = pack(read);
      return { id: newId(random), session: unpack(record), record, marks: NO_MARKS, notice: 0 };
    },
  };
}

/** A token of ours may come from a newer version of this library, whose records are another format. */
function unpacked(record: Buffer): Packed | null {
  try {
    return unpack(record);
  } catch {
    return null;
  }
}
