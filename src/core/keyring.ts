/**
 * The keys of a sealer, or of a layer that encrypts: the first one seals, every one opens.
 *
 * What the user gives is never used itself. HKDF makes a key of it for each purpose (RFC 5869: the application is the salt, the
 * purpose the info), so that one secret can serve `encrypted`, `signed` and two applications, and none opens another's tokens.
 * The key's id in a token is made in the same way: nobody has to name keys, and a token whose key is not listed is refused
 * without trying any. Keys are held as KeyObjects; on Node 24 a Buffer would cost four times as much on every call.
 *
 * Rejected: stretching a password (a millisecond for each guess is no defence for what should have 256 bits, and the library
 * that does it pays 300 us for every request); names for keys in the options, which somebody would use twice.
 */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { failure } from '../errors.js';
import type { KeyOptions } from './key-options.js';
import { checked, show } from './options.js';

/** One key of the list, for one purpose. */
export interface SealKey {
  readonly id: Buffer;
  /** What is sealed with, or what further keys are made of. */
  readonly secret: KeyObject;
}

export interface Keyring {
  readonly first: SealKey;
  /** The key whose id begins at `at` in `bytes`. */
  find(bytes: Uint8Array, at: number): SealKey | undefined;
}

export const KEY_ID_BYTES = 4;
const KEY_BYTES = 32;
const MIN_KEY_BYTES = 32;
/** A random key of 32 characters has more than this even in hexadecimal; `'x'.repeat(32)` and a doubled word have fewer. */
const MIN_DIFFERENT = 8;

/** Throws SOJOURN_OPTION naming the key's place in the list, never the key. */
export function keyring(where: string, options: KeyOptions, purpose: string): Keyring {
  const { keys, application = '' } = options;
  if (!Array.isArray(keys) || keys.length === 0) {
    throw failure('SOJOURN_OPTION', {
      option: `keys of ${where}`,
      wanted: 'must be a list of one or more keys, the newest first',
      got: Array.isArray(keys) ? 'an empty list' : typeof keys === 'string' ? 'a text' : show(keys),
    });
  }
  if (typeof application !== 'string') {
    throw failure('SOJOURN_OPTION', {
      option: `application of ${where}`,
      wanted: 'must be a text',
      got: show(application),
    });
  }
  const ring = keys.map((key, i) => sealKey(keyBytes(`keys[${i}] of ${where}`, key), application, purpose));
  const byId = new Map(ring.map((key) => [key.id.readUInt32BE(0), key]));
  if (byId.size < ring.length) {
    throw failure('SOJOURN_OPTION', { option: `keys of ${where}`, wanted: 'must not name the same key twice' });
  }
  return {
    first: ring[0]!,
    find: (bytes, at) => byId.get(uint32At(bytes, at)),
  };
}

/** The options of a sealer, after refusing unknown ones. */
export function sealOptions<O extends KeyOptions>(where: string, options: O, more: readonly (keyof O & string)[]): O {
  return checked(where, options, ['keys', 'application', ...more]) as O;
}

/** A key out of a key: 32 bytes that tell nothing of it. */
export function derived(key: KeyObject | Uint8Array, salt: string, info: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, info, bytes));
}

function sealKey(material: Uint8Array, application: string, purpose: string): SealKey {
  return {
    id: derived(material, application, `sojourn/v1/${purpose}/id`, KEY_ID_BYTES),
    secret: createSecretKey(derived(material, application, `sojourn/v1/${purpose}`, KEY_BYTES)),
  };
}

function keyBytes(option: string, key: unknown): Uint8Array {
  const bytes = typeof key === 'string' ? Buffer.from(key) : key;
  const wanted = `must be ${MIN_KEY_BYTES} or more characters or bytes out of a random generator, for example of: openssl rand -base64 32`;
  if (!(bytes instanceof Uint8Array)) throw failure('SOJOURN_OPTION', { option, wanted, got: show(key) });
  if (bytes.length < MIN_KEY_BYTES) throw failure('SOJOURN_OPTION', { option, wanted, got: `${bytes.length} bytes` });
  if (new Set(bytes).size < MIN_DIFFERENT)
    throw failure('SOJOURN_OPTION', { option, wanted, got: 'a few bytes again and again' });
  return bytes;
}

function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
