/**
 * The value of Flask's session cookie: payload.timestamp.signature.
 *
 *   1. The dict as tagged JSON.
 *   2. zlib, if that saves at least two bytes; a dot in front of the payload says so.
 *   3. base64url without padding.
 *   4. A dot, and the second it was signed in: big-endian, no leading zero bytes, base64url.
 *   5. A dot, and the signature of all that.
 *
 * Reading goes back the same way, the signature first: what nobody signed is never inflated. The dot alone says whether there is zlib.
 * Any failure is no session (null), and so is a payload that was signed but makes no sense, which Flask answers with a 500.
 * zlib's bytes differ between builds, so a compressed cookie of ours need not be Flask's to the byte; its JSON is.
 */
import { isUtf8 } from 'node:buffer';
import { deflateSync, inflateSync } from 'node:zlib';
import { unlessCorrupt } from '../../errors.js';
import { MAX_BYTES } from './bounds.js';
import type { Dict } from './python.js';
import { type SecretKey, type Signing, signing } from './signature.js';
import { readTaggedDict, writeTagged } from './tagged-json.js';

export interface CookieValueOptions {
  readonly keys: SecretKey | readonly SecretKey[];
  /** What seconds are counted from: 1970, or 2011 for itsdangerous before 1.0. */
  readonly epoch: 'unix' | 'legacy';
}

/** A cookie that was signed by one of the keys. */
export interface Opened {
  readonly dict: Dict;
  /** When, in seconds since 1970. */
  readonly signedAt: number;
}

export interface CookieValue {
  /** `seconds`: when, since 1970. SOJOURN_VALUE for a dict that Flask could not write. */
  write(dict: Dict, seconds: number): string;
  /** Null for everything that Flask would not take: forged, damaged, expired, from the future. */
  read(value: string, now: number, maxAge: number | undefined): Opened | null;
}

const SALT = 'cookie-session';
/** 2011-01-01, from when itsdangerous 0.x counts. */
const LEGACY_EPOCH = 1_293_840_000;
/** A cookie is at most 4 KB in a browser; what a server accepts in a header is seldom over 64 KB. */
const MAX_COOKIE = 65_536;
const MAX_TIMESTAMP_BYTES = 8;

export function cookieValue({ keys, epoch }: CookieValueOptions): CookieValue {
  const signer = signing('keys', keys, SALT);
  const begin = epoch === 'legacy' ? LEGACY_EPOCH : 0;
  return {
    write(dict, seconds) {
      const signed = `${payloadOf(writeTagged(dict))}.${timestampText(seconds - begin)}`;
      return `${signed}.${signer.sign(signed)}`;
    },
    read(value, now, maxAge) {
      const parts = split(value, signer);
      if (parts === null) return null;
      const stamp = timestamp(parts.timestamp);
      if (stamp === null) return null;
      const signedAt = stamp + begin;
      const age = now - signedAt;
      if (maxAge !== undefined && (age < 0 || age > maxAge)) return null;
      const dict = dictOf(parts.payload);
      return dict === null ? null : { dict, signedAt };
    },
  };
}

/** The two signed parts, if they are. The payload of a compressed cookie begins with a dot of its own. */
function split(value: string, signer: Signing): { payload: string; timestamp: string } | null {
  if (value.length > MAX_COOKIE) return null;
  const end = value.lastIndexOf('.');
  if (end === -1) return null;
  const signed = value.slice(0, end);
  if (!signer.verifies(signed, value.slice(end + 1))) return null;
  const dot = signed.lastIndexOf('.');
  return dot === -1 ? null : { payload: signed.slice(0, dot), timestamp: signed.slice(dot + 1) };
}

function payloadOf(json: string): string {
  const raw = Buffer.from(json, 'latin1');
  const small = deflateSync(raw);
  return small.length < raw.length - 1 ? `.${small.toString('base64url')}` : raw.toString('base64url');
}

function dictOf(payload: string): Dict | null {
  const isCompressed = payload.startsWith('.');
  const bytes = base64url(isCompressed ? payload.slice(1) : payload);
  if (bytes === null) return null;
  const json = isCompressed ? inflated(bytes) : bytes;
  if (json === null || !isUtf8(json)) return null;
  return unlessCorrupt(() => readTaggedDict(json.toString('utf8')));
}

/** Bounded: Python inflates whatever it is. A signed bomb is somebody who has the key, and still must not take the server down. */
function inflated(bytes: Buffer): Buffer | null {
  try {
    return inflateSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch {
    return null;
  }
}

function timestampText(seconds: number): string {
  const hex = Math.max(0, Math.floor(seconds)).toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return (seconds < 1 ? Buffer.alloc(0) : bytes).toString('base64url');
}

function timestamp(text: string): number | null {
  const bytes = base64url(text);
  if (bytes === null || bytes.length > MAX_TIMESTAMP_BYTES) return null;
  return bytes.length === 0 ? 0 : Number(BigInt(`0x${bytes.toString('hex')}`));
}

/** Strict: Python drops characters that do not belong there. */
function base64url(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}
