/**
 * What a session in a cookie costs whoever keeps it there: no library, but the least code that reads one. And what it costs whoever
 * does not look: a bare handler whose requests bring a cookie as long as ours. Node reads the header of 1.4 KB for it, all the same.
 *
 * A goal against `bare`, whose requests bring 45 bytes, cannot be reached where this floor does not reach it.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { type Sample, sample } from '../support/sample.js';
import { bare, type Entrant } from './entrants.js';
import { openedBy } from './floor.js';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG = { authTagLength: 16 };
const NAME = 'sid=';
/** As long as the cookie of `sojourn, encrypted`. */
const LENGTH = 1405;

export function longCookieEntrant(): Entrant {
  const cookie = `${NAME}${randomBytes(LENGTH).toString('base64url').slice(0, LENGTH)}`;
  return {
    ...bare('bare, a long cookie'),
    seed: (_req, res) => void res.setHeader('Set-Cookie', `${cookie}; Path=/; HttpOnly`),
  };
}

/** Finds the cookie, decodes base64url, opens AES-256-GCM, parses JSON. No format, no key to choose, no deadline, no write. */
export function openedFloorEntrant(): Entrant {
  const key = createSecretKey(randomBytes(32));
  return openedBy(
    'floor: opened by hand',
    (header) => opened(header, key),
    () => `${NAME}${sealed(key)}`,
  );
}

function opened(header: string | undefined, key: KeyObject): Sample | undefined {
  const at = header === undefined ? -1 : header.indexOf(NAME);
  if (header === undefined || at === -1) return undefined;
  const bytes = Buffer.from(header.slice(at + NAME.length), 'base64url');
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), TAG);
  const end = bytes.length - TAG.authTagLength;
  decipher.setAuthTag(bytes.subarray(end));
  const text = decipher.update(bytes.subarray(NONCE_BYTES, end));
  decipher.final();
  return JSON.parse(text.toString()) as Sample;
}

function sealed(key: KeyObject): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, TAG);
  const text = cipher.update(JSON.stringify(sample()));
  cipher.final();
  return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url');
}
