/**
 * One field's value, encrypted: AES-256-GCM, bound to the session's id and the field's name.
 *
 *   1 byte    the format, 1
 *   4 bytes   the id of the key
 *  12 bytes   the nonce
 *   the value, encrypted, and 16 bytes of tag
 *
 * Every session has keys of its own, made of its id, so what is copied from another session opens as little as what somebody made up. The name is
 * the associated data. The nonce is made of name and value by a keyed hash: so equal values of one field of one session are
 * equal bytes, and a store below can compare them, which `swap` lives on; and no nonce ever meets two values. What that tells who
 * reads the store: whether a field has the value again that it had before. Rejected: random nonces, and reading before every swap
 * (a round trip more, and a race); AES-SIV, which Node does not have.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { KEY_ID_BYTES, type Keyring, type SealKey } from '../../core/keyring.js';

const FORMAT = 1;
const NONCE_AT = 1 + KEY_ID_BYTES;
const NONCE_BYTES = 12;
const VALUE_AT = NONCE_AT + NONCE_BYTES;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;

/** The keys of one session under one of the application's. */
interface SessionKeys {
  readonly cipher: Buffer;
  readonly nonce: Buffer;
}

/** Encrypts and decrypts the fields of one session. Made for one call of the store: two hashes for each key that is met. */
export class FieldCipher {
  readonly #ring: Keyring;
  readonly #id: string;
  readonly #keys = new Map<SealKey, SessionKeys>();

  constructor(ring: Keyring, id: string) {
    this.#ring = ring;
    this.#id = id;
  }

  seal(name: string, value: Uint8Array): Buffer {
    const { first } = this.#ring;
    const keys = this.#keysOf(first);
    const data = Buffer.from(name);
    const nonce = nonceOf(keys.nonce, data, value);
    const cipher = createCipheriv(CIPHER, keys.cipher, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(data);
    const sealed = Buffer.allocUnsafe(VALUE_AT + value.length + TAG_BYTES);
    sealed[0] = FORMAT;
    sealed.set(first.id, 1);
    sealed.set(nonce, NONCE_AT);
    sealed.set(cipher.update(value), VALUE_AT);
    cipher.final();
    sealed.set(cipher.getAuthTag(), VALUE_AT + value.length);
    return sealed;
  }

  /** Null for what `seal` has not made for this field of this session with a key that is listed. */
  open(name: string, sealed: Uint8Array): Buffer | null {
    if (sealed.length < VALUE_AT + TAG_BYTES || sealed[0] !== FORMAT) return null;
    const key = this.#ring.find(sealed, 1);
    if (key === undefined) return null;
    const end = sealed.length - TAG_BYTES;
    const nonce = sealed.subarray(NONCE_AT, VALUE_AT);
    const decipher = createDecipheriv(CIPHER, this.#keysOf(key).cipher, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(name));
    decipher.setAuthTag(sealed.subarray(end));
    const value = decipher.update(sealed.subarray(VALUE_AT, end));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return value;
  }

  #keysOf(key: SealKey): SessionKeys {
    let keys = this.#keys.get(key);
    if (keys === undefined) {
      const both = createHmac('sha512', key.secret).update(this.#id).digest();
      keys = { cipher: both.subarray(0, KEY_BYTES), nonce: both.subarray(KEY_BYTES) };
      this.#keys.set(key, keys);
    }
    return keys;
  }
}

/** The length of the name goes first, so that no name and value run together to those of another field. */
function nonceOf(key: Buffer, name: Buffer, value: Uint8Array): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(name.length);
  return createHmac('sha256', key).update(length).update(name).update(value).digest().subarray(0, NONCE_BYTES);
}
