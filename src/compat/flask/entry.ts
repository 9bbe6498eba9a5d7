/**
 * The bytes of one entry of Flask-Session, in any form that its versions have left in stores.
 *
 * Reading: the first byte says what it is, and exactly one reader looks at it. Python's own way (0.7 and later) is to try one decoder
 * after the other, the last of them `pickle.loads`; a forged entry then reaches the weakest. Writing: the format that was chosen, since only
 * the application knows what its Python can read.
 */
import { unreadable } from './bounds.js';
import { readMsgpack } from './msgpack-read.js';
import { writeMsgpack } from './msgpack-write.js';
import { readMsgspecJson, writeMsgspecJson } from './msgspec-json.js';
import { readPickle } from './pickle-read.js';
import { writePickle } from './pickle-write.js';
import type { Dict } from './python.js';

/**
 * What Python shall find.
 * 'msgpack', 'json': Flask-Session 0.7 and later, as its SESSION_SERIALIZATION_FORMAT says.
 * 'pickle': Flask-Session up to 0.6. 'pickle-0': its memcached up to 0.5, whose clients like text. 'pickle-2': Python 2.
 */
export type EntryFormat = 'pickle' | 'pickle-0' | 'pickle-2' | 'msgpack' | 'json';

export const ENTRY_FORMATS = ['pickle', 'pickle-0', 'pickle-2', 'msgpack', 'json'] as const;

/** SOJOURN_CORRUPT for anything that is no session. */
export function readEntry(bytes: Uint8Array): Dict {
  return READERS[kindOf(bytes)](bytes);
}

/** SOJOURN_VALUE for a value that the format has no form for, or that Python would answer with a 500 when it writes. */
export function writeEntry(dict: Dict, format: EntryFormat): Buffer {
  return WRITERS[format](dict);
}

type Kind = 'pickle' | 'msgpack' | 'json';

/** The bytes that each format can begin with, when it holds a dict, are its own; only 0x80 needs a look at the second. */
export function kindOf(bytes: Uint8Array): Kind {
  const [first = -1, second = -1] = bytes;
  if (first === 0x80) return second === -1 ? 'msgpack' : 'pickle';
  if (first === LETTER['{']) return 'json';
  if (first === LETTER['('] || first === LETTER['}'] || first === LETTER[']']) return 'pickle';
  if ((first > 0x80 && first < 0x90) || first === 0xde || first === 0xdf) return 'msgpack';
  throw unreadable('it begins like nothing that Flask-Session writes');
}

const LETTER = { '{': 0x7b, '(': 0x28, '}': 0x7d, ']': 0x5d } as const;

const READERS: Readonly<Record<Kind, (bytes: Uint8Array) => Dict>> = {
  pickle: readPickle,
  msgpack: readMsgpack,
  json: readMsgspecJson,
};

const WRITERS: Readonly<Record<EntryFormat, (dict: Dict) => Buffer>> = {
  pickle: (dict) => writePickle(dict, 4),
  'pickle-0': (dict) => writePickle(dict, 0),
  'pickle-2': (dict) => writePickle(dict, 2),
  msgpack: writeMsgpack,
  json: writeMsgspecJson,
};
