/**
 * Sealed sessions that everybody can read and nobody can change: HMAC-SHA256 beside the data.
 *
 * A token is `text.mac`, both in base64url. The MAC is taken over the scope and the very text, and compared as text: so there is one
 * spelling, and nothing is decoded before it is known to be ours. Choose `encrypted` unless somebody else has to read the session;
 * a cookie also lies in browsers' files and proxies' logs. Rejected: JSON Web Tokens, whose header lets the token say how it
 * wants to be checked.
 */
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Sealer } from '../contract.js';
import type { KeyOptions } from '../core/key-options.js';
import { KEY_ID_BYTES, keyring, sealOptions } from '../core/keyring.js';
import { flag } from '../core/options.js';
import { contentOf, sessionIn } from './content.js';

export interface SignedOptions extends KeyOptions {
  /** Deflate sessions first. What is readable anyway has no length to hide. Default false. */
  readonly compress?: boolean;
}

/** The first byte of the text. Not the one of `encrypted`. */
const FORMAT = 2;
const HEADER_BYTES = 1 + KEY_ID_BYTES;
/** 32 bytes in base64url. */
const MAC_LENGTH = 43;
/** The header's text: enough of it to find the key before anything else is looked at. */
const HEADER_LENGTH = 8;
const MAX_TOKEN = 65_536;

/**
 * Signs whole sessions: anybody who has the cookie can read it, only who has a key can change it. Throws SOJOURN_OPTION for keys
 * that are too short.
 * @example sessions({ seal: signed({ keys: [newKey, oldKey] }) })
 */
export function signed(options: SignedOptions): Sealer {
  const own = sealOptions('signed', options, ['compress']);
  const ring = keyring('signed', own, 'signed');
  const compress = own.compress === undefined ? false : flag('compress of signed', own.compress);

  return {
    name: 'signed',

    seal(session, scope = '') {
      const { first } = ring;
      // 1. The format, a byte; the key's id, 4; the content. In base64url.
      const text = Buffer.concat([Buffer.of(FORMAT), first.id, contentOf(session, { compress, block: 1 })]).toString(
        'base64url',
      );
      // 2. The MAC of the scope, a NUL, and that text.
      return `${text}.${macOf(first.secret, scope, text)}`;
    },

    unseal(token, scope = '') {
      const end = token.length - MAC_LENGTH - 1;
      if (end < HEADER_LENGTH || token.length > MAX_TOKEN || token[end] !== '.') return null;
      const head = Buffer.from(token.slice(0, HEADER_LENGTH), 'base64url');
      const key = head[0] === FORMAT ? ring.find(head, 1) : undefined;
      if (key === undefined) return null;
      const text = token.slice(0, end);
      if (!isSame(token.slice(end + 1), macOf(key.secret, scope, text))) return null;
      return sessionIn(Buffer.from(text, 'base64url').subarray(HEADER_BYTES));
    },
  };
}

function macOf(key: KeyObject, scope: string, text: string): string {
  return createHmac('sha256', key).update(`${scope}\0${text}`).digest('base64url');
}

/** Equal texts of equal length, in a time that does not tell how much of them is equal. */
function isSame(presented: string, wanted: string): boolean {
  const bytes = Buffer.from(presented);
  return bytes.length === MAC_LENGTH && timingSafeEqual(bytes, Buffer.from(wanted));
}
