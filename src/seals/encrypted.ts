/**
 * Sealed sessions that nobody can read or change: AES-256-GCM, in text that fits into a cookie.
 *
 * The steps of `seal` are the format. Everything in a token is bound: the key's id and the subkey's number pick the key, the nonce is
 * a part of the cipher, the scope (the cookie's name) is its associated data. The tag has 16 bytes, said explicitly: Node 20 accepts
 * four of them where the length is not given. A token has one spelling.
 *
 * Random nonces of 96 bits are good for 2^32 messages under one key. So no key seals itself: each process draws one of 65,536
 * subkeys, and another one long before that number. Rejected: a counter as nonce (two processes, or one that was copied with its
 * memory, would use one twice, and that breaks GCM altogether); a subkey for each message (8 us each).
 *
 * A key that is not listed opens nothing, and no other format is ever tried.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { Sealer } from '../contract.js';
import { environment } from '../core/environment.js';
import type { KeyOptions } from '../core/key-options.js';
import { derived, KEY_ID_BYTES, keyring, type SealKey, sealOptions } from '../core/keyring.js';
import { flag, wholeNumber } from '../core/options.js';
import { type ContentSettings, contentOf, sessionIn } from './content.js';

export interface EncryptedOptions extends KeyOptions {
  /** Deflate sessions before they are sealed. Read docs/cookie-sessions.md first: lengths then tell about contents. Default false. */
  readonly compress?: boolean;
  /** Hide the length: it is rounded up to a multiple of so many bytes, 1 to 1024. Default 32. */
  readonly block?: number;
}

/** The first byte of a token picks the one reader there is for the rest. A number is never used again for another format. */
const FORMAT = 1;
const SUBKEY_AT = 1 + KEY_ID_BYTES;
const NONCE_AT = SUBKEY_AT + 2;
const NONCE_BYTES = 12;
const HEADER_BYTES = NONCE_AT + NONCE_BYTES;
const TAG_BYTES = 16;
const MIN_BYTES = HEADER_BYTES + TAG_BYTES + 2;
const CIPHER = 'aes-256-gcm';
const CIPHER_OPTIONS = { authTagLength: TAG_BYTES } as const;
/** Seals under one subkey by one process. Many processes may have drawn the same. */
const SEALS_PER_SUBKEY = 2 ** 26;
/** Subkeys that are held. One more costs 8 us to make again. */
const MAX_SUBKEYS_HELD = 4096;
/** Longer than any header that Node lets through. */
const MAX_TOKEN = 65_536;

/**
 * The token that was presented last, decoded, and its nonce and tag. What is sealed is never in here. Used again and again: Buffers of
 * its own for each token would take 0.5 us more, of 4.
 */
const PRESENTED = Buffer.alloc((MAX_TOKEN / 4) * 3);
const PRESENTED_NONCE = PRESENTED.subarray(NONCE_AT, HEADER_BYTES);
const PRESENTED_TAG = Buffer.alloc(TAG_BYTES);

/**
 * Seals whole sessions so that only who has a key can read or change them. Throws SOJOURN_OPTION for keys that are too short.
 * @example sessions({ seal: encrypted({ keys: [newKey, oldKey] }) })
 */
export function encrypted(options: EncryptedOptions): Sealer {
  const own = sealOptions('encrypted', options, ['compress', 'block']);
  const ring = keyring('encrypted', own, 'encrypted');
  const content: ContentSettings = {
    compress: own.compress === undefined ? false : flag('compress of encrypted', own.compress),
    block: wholeNumber('block of encrypted', own.block ?? 32, 1, 1024),
  };
  const subkeys = subkeysHeld();
  const nonces = nonceSource();
  const dataOf = associatedData();
  let chosen = chooseSubkey();
  let sealsLeft = SEALS_PER_SUBKEY;

  return {
    name: 'encrypted',

    seal(session, scope = '') {
      if (sealsLeft-- === 0) {
        chosen = chooseSubkey();
        sealsLeft = SEALS_PER_SUBKEY;
      }
      const { first } = ring;
      const plain = contentOf(session, content);
      // 1. The format, a byte; the key's id, 4; the subkey's number, 2; the nonce, 12.
      const token = Buffer.allocUnsafe(HEADER_BYTES + plain.length + TAG_BYTES);
      token[0] = FORMAT;
      token.set(first.id, 1);
      token.writeUInt16BE(chosen, SUBKEY_AT);
      const nonce = nonces();
      token.set(nonce, NONCE_AT);
      // 2. The content, encrypted; the scope as associated data.
      const cipher = createCipheriv(CIPHER, subkeys(first, chosen), nonce, CIPHER_OPTIONS);
      cipher.setAAD(dataOf(scope));
      token.set(cipher.update(plain), HEADER_BYTES);
      cipher.final();
      // 3. The tag, 16. All of it in base64url without padding.
      token.set(cipher.getAuthTag(), HEADER_BYTES + plain.length);
      return token.toString('base64url');
    },

    unseal(token, scope = '') {
      if (token.length > MAX_TOKEN) return null;
      const length = PRESENTED.write(token, 0, 'base64url');
      if (length < MIN_BYTES || PRESENTED[0] !== FORMAT) return null;
      const key = ring.find(PRESENTED, 1);
      // Node decodes other spellings to the same bytes: a second alphabet, blanks, surplus bits.
      if (key === undefined || PRESENTED.toString('base64url', 0, length) !== token) return null;
      const subkey = subkeys(key, PRESENTED.readUInt16BE(SUBKEY_AT));
      const decipher = createDecipheriv(CIPHER, subkey, PRESENTED_NONCE, CIPHER_OPTIONS);
      const end = length - TAG_BYTES;
      PRESENTED.copy(PRESENTED_TAG, 0, end, length);
      decipher.setAAD(dataOf(scope));
      decipher.setAuthTag(PRESENTED_TAG);
      const plain = decipher.update(PRESENTED.subarray(HEADER_BYTES, end));
      try {
        decipher.final();
      } catch {
        return null;
      }
      return sessionIn(plain);
    },
  };
}

function chooseSubkey(): number {
  const [high, low] = environment.random(2);
  return high! * 256 + low!;
}

/** The subkeys in use, made when first asked for. A forger can ask for any number: the oldest go, and each costs him more than us. */
function subkeysHeld(): (key: SealKey, number: number) => KeyObject {
  const held = new Map<SealKey, Map<number, KeyObject>>();
  return (key, number) => {
    const ofKey = held.get(key) ?? new Map<number, KeyObject>();
    if (ofKey.size === 0) held.set(key, ofKey);
    const present = ofKey.get(number);
    if (present !== undefined) return present;
    if (ofKey.size >= MAX_SUBKEYS_HELD) ofKey.delete(ofKey.keys().next().value!);
    const made = createSecretKey(derived(key.secret, '', `sojourn/v1/encrypted/${number}`, 32));
    ofKey.set(number, made);
    return made;
  };
}

/** Random bytes are asked for in one go for many nonces: alone each would cost as much as a quarter of the seal. None is used twice. */
function nonceSource(): () => Uint8Array {
  const AT_ONCE = 64;
  let pool: Uint8Array = new Uint8Array(0);
  let at = 0;
  return () => {
    if (at === pool.length) {
      pool = environment.random(AT_ONCE * NONCE_BYTES);
      at = 0;
    }
    at += NONCE_BYTES;
    return pool.subarray(at - NONCE_BYTES, at);
  };
}

/** The bytes of a scope. There is one in an application, so the last one is the one. */
function associatedData(): (scope: string) => Buffer {
  let last = '';
  let data = Buffer.alloc(0);
  return (scope) => {
    if (scope !== last) {
      last = scope;
      data = Buffer.from(scope);
    }
    return data;
  };
}
