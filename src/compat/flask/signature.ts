/**
 * itsdangerous, as far as Flask uses it: HMAC-SHA1 under a key of its own for each salt, base64url without padding.
 *
 * The first key signs, all keys are tried in order, newest first. A signature has one spelling: Python also takes others (27 characters
 * hold two bits too many, and it drops padding), which would give one session several cookies. SHA-1 is what the format is made
 * of; HMAC is not touched by its collisions.
 *
 * Keys are derived once, and kept as key objects, which no error or log can print.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { show } from '../../core/options.js';
import { failure } from '../../errors.js';

/** A secret as Flask is given one: text, taken as UTF-8, or bytes. */
export type SecretKey = string | Uint8Array;

export interface Signing {
  /** The signature of `text` by the newest key, 27 characters. */
  sign(text: string): string;
  /** Whether any key has signed `text`, in a time that does not tell how much is right. */
  verifies(text: string, signature: string): boolean;
}

/** `keys`: one, or several, newest first, as SECRET_KEY and SECRET_KEY_FALLBACKS. SOJOURN_OPTION if there is none, or an empty one. */
export function signing(option: string, keys: SecretKey | readonly SecretKey[], salt: string): Signing {
  const derived = listed(keys).map((key, i) => derive(checkedKey(`${option}[${i}]`, key), salt));
  const [newest] = derived;
  if (newest === undefined)
    throw failure('SOJOURN_OPTION', { option, wanted: 'must be a key, or a list of keys with the newest first' });
  return {
    sign: (text) => mac(newest, text).toString('base64url'),
    verifies(text, signature) {
      const given = /^[\w-]{27}$/.test(signature) ? Buffer.from(signature, 'base64url') : null;
      if (given === null || given.toString('base64url') !== signature) return false;
      return derived.some((key) => timingSafeEqual(mac(key, text), given));
    },
  };
}

/** The bytes of a secret. SOJOURN_OPTION for one that is empty, or no text and no bytes. */
export function checkedKey(option: string, key: SecretKey): Uint8Array {
  const bytes = typeof key === 'string' ? Buffer.from(key, 'utf8') : key;
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) {
    const got = typeof key === 'string' ? 'an empty text' : show(key);
    throw failure('SOJOURN_OPTION', { option, wanted: "must be the text or bytes of Flask's SECRET_KEY", got });
  }
  return bytes;
}

function listed(keys: SecretKey | readonly SecretKey[]): readonly SecretKey[] {
  return Array.isArray(keys) ? keys : [keys as SecretKey];
}

/** `key_derivation = 'hmac'`. */
function derive(secret: Uint8Array, salt: string): KeyObject {
  return createSecretKey(createHmac('sha1', secret).update(salt).digest());
}

function mac(key: KeyObject, text: string): Buffer {
  return createHmac('sha1', key).update(text).digest();
}
