/**
 * What Flask-Session's cookie holds: the id of an entry, alone or with a signature (SESSION_USE_SIGNER).
 *
 * The signature ends at the last dot, since an id may hold dots. It has no time in it: whoever once had a signed id has it for as long as
 * the entry lives. What is refused is no id at all, and the visitor gets a new one.
 *
 * Beside it, Flask-Login's "remember me" token, which has a form of its own: `user|hex`, HMAC-SHA512 under the secret itself.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { checkedKey, type SecretKey, signing } from './signature.js';

export interface SignedId {
  write(id: string): string;
  /** The id, or null for anything that was not signed by one of the keys. */
  read(value: string): string | null;
}

const SALT = 'flask-session';

/** `keys`: SECRET_KEY, and older ones behind it, which Flask-Session itself has no setting for. */
export function signedId(keys: SecretKey | readonly SecretKey[]): SignedId {
  const signer = signing('secretKey', keys, SALT);
  return {
    write: (id) => `${id}.${signer.sign(id)}`,
    read(value) {
      const dot = value.lastIndexOf('.');
      const id = value.slice(0, Math.max(0, dot));
      return id !== '' && signer.verifies(id, value.slice(dot + 1)) ? id : null;
    },
  };
}

/** Flask-Login's `remember_token` cookie: the id of a user who asked to be remembered. */
export interface RememberToken {
  write(user: string): string;
  /** The user, or null for anything that was not made with one of the keys. */
  read(value: string): string | null;
}

/** A text secret is Latin-1 here, as Flask-Login has it, and not UTF-8 as everywhere else. */
export function rememberToken(keys: SecretKey | readonly SecretKey[]): RememberToken {
  const all = (Array.isArray(keys) ? keys : [keys]).map((key: SecretKey, i) =>
    checkedKey(`secretKey[${i}]`, typeof key === 'string' ? Buffer.from(key, 'latin1') : key),
  );
  const digest = (key: Uint8Array, user: string) => createHmac('sha512', key).update(user, 'utf8').digest();
  return {
    write: (user) => `${user}|${digest(all[0]!, user).toString('hex')}`,
    read(value) {
      const [, user, hex] = /^(.+)\|([0-9a-f]{128})$/s.exec(value) ?? [];
      if (user === undefined || hex === undefined) return null;
      const given = Buffer.from(hex, 'hex');
      return all.some((key) => timingSafeEqual(digest(key, user), given)) ? user : null;
    },
  };
}
