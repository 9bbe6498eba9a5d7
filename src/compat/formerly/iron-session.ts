/**
 * Sessions of iron-session: JSON sealed into one cookie, `Fe26.2*...~2`.
 *
 * The parts, joined by `*`: the format; the password's id; a salt; the initialisation vector and the data (AES-256-CBC), both
 * base64url; when it expires, epoch milliseconds or nothing; another salt; HMAC-SHA256 over all before it. The two keys are
 * made of the password and a salt by PBKDF2 (SHA-1, once round). Behind a tilde stands the version of iron-session's own envelope:
 * 2 is the data itself, none is data under `persistent`. The MAC is compared before anything is decrypted.
 */
import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import type { Former } from '../../contract.js';
import { environment } from '../../core/environment.js';
import { show } from '../../core/options.js';
import { failure } from '../../errors.js';
import {
  type OldCookieOptions,
  oldCookieOptions,
  oldValue,
  parsedJson,
  sessionFrom,
  takingBack,
} from './old-cookie.js';

export interface IronSessionOptions extends OldCookieOptions {
  /** The `password` of iron-session: one, or several by their numbers. */
  readonly password: string | Readonly<Record<string, string>>;
  /** The `cookieName` of iron-session. */
  readonly cookieName: string;
}

const FORMAT = 'Fe26.2';
const PARTS = 8;
const KEY_BYTES = 32;
/** As iron-session allows between clocks. */
const SKEW_MS = 60_000;
/** 64 characters of hexadecimal in what iron-session makes. More would cost us and nobody else. */
const MAX_SALT = 128;

/**
 * Goes on with the sessions of iron-session 6 to 9.
 * @example sessions({ store, formerly: [ironSession({ password, cookieName: 'app', user: (old) => old.userId as string })] })
 */
export function ironSession(options: IronSessionOptions): Former {
  const own = oldCookieOptions('ironSession', options, ['password', 'cookieName']);
  const passwords = passwordsOf(own.password);
  const { cookieName } = own;
  if (typeof cookieName !== 'string' || cookieName === '')
    throw failure('SOJOURN_OPTION', {
      option: 'cookieName of ironSession',
      wanted: 'must be given',
      got: show(cookieName),
    });

  return {
    name: 'iron-session',
    read(request) {
      const value = oldValue(request, cookieName);
      if (value === null) return null;
      const [seal = '', version, ...more] = value.split('~');
      if (more.length > 0 || (version !== undefined && version !== '2')) return null;
      const text = opened(seal, passwords);
      const data = text === null ? undefined : parsedJson(text);
      if (version === '2') return sessionFrom(data, own);
      return sessionFrom((data as { readonly persistent?: unknown } | null | undefined)?.persistent, own);
    },
    clear: takingBack([cookieName], own),
  };
}

function opened(seal: string, passwords: ReadonlyMap<string, string>): string | null {
  const parts = seal.split('*');
  if (parts.length !== PARTS) return null;
  const [format, id, salt, iv, data, expires, macSalt, mac] = parts as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const password = passwords.get(id === '' ? 'default' : id);
  if (format !== FORMAT || password === undefined || salt.length > MAX_SALT || macSalt.length > MAX_SALT) return null;
  if (expires !== '' && !(/^\d{1,16}$/.test(expires) && Number(expires) > environment.now() - SKEW_MS)) return null;
  const wanted = createHmac('sha256', key(password, macSalt)).update(parts.slice(0, 6).join('*')).digest();
  const given = Buffer.from(mac, 'base64url');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null;
  try {
    const decipher = createDecipheriv('aes-256-cbc', key(password, salt), Buffer.from(iv, 'base64url'));
    return Buffer.concat([decipher.update(Buffer.from(data, 'base64url')), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

function key(password: string, salt: string): Buffer {
  return pbkdf2Sync(password, salt, 1, KEY_BYTES, 'sha1');
}

function passwordsOf(given: IronSessionOptions['password']): ReadonlyMap<string, string> {
  const entries: readonly (readonly [string, unknown])[] =
    typeof given === 'string'
      ? [['1', given]]
      : typeof given === 'object' && given !== null
        ? Object.entries(given)
        : [];
  const isGood = (password: unknown): password is string => typeof password === 'string' && password.length >= 32;
  if (entries.length > 0 && entries.every(([, password]) => isGood(password)))
    return new Map(entries as readonly (readonly [string, string])[]);
  throw failure('SOJOURN_OPTION', {
    option: 'password of ironSession',
    wanted: "must be iron-session's password of 32 characters or more, or several by their numbers",
  });
}
