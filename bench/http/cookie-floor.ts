/**
 * What a session in a cookie costs whoever keeps it there: no library, but the least code that reads one. And what it costs whoever
 * does not look: a bare handler whose requests bring a cookie as long as ours. Node reads the header of 1.4 KB for it, all the same.
 *
 * A goal against `bare`, whose requests bring 45 bytes, cannot be reached where this floor does not reach it.
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Sample, sample } from '../support/sample.js';
import { bare, type Entrant } from './entrants.js';

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

type Floored = IncomingMessage & { floor?: Sample };

/** Finds the cookie, decodes base64url, opens AES-256-GCM, parses JSON. No format, no key to choose, no deadline, no write. */
export function openedFloorEntrant(): Entrant {
  const key = createSecretKey(randomBytes(32));
  const open = (req: Floored): void => {
    const header = req.headers.cookie ?? '';
    const at = header.indexOf(NAME);
    if (at === -1) return;
    const bytes = Buffer.from(header.slice(at + NAME.length), 'base64url');
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), TAG);
    const end = bytes.length - TAG.authTagLength;
    decipher.setAuthTag(bytes.subarray(end));
    const text = decipher.update(bytes.subarray(NONCE_BYTES, end));
    decipher.final();
    req.floor = JSON.parse(text.toString());
  };
  return {
    name: 'floor: opened by hand',
    listener: (handler) => (req, res) => {
      open(req);
      handler(req, res);
    },
    middleware: (req, _res, next) => {
      open(req);
      next();
    },
    read: (req: Floored) => req.floor?.name,
    views: (req: Floored) => req.floor?.views ?? -1,
    write: () => {},
    seed: (_req, res) => void res.setHeader('Set-Cookie', `${NAME}${sealed(key)}; Path=/; HttpOnly`),
    writes: () => 0,
  };
}

function sealed(key: ReturnType<typeof createSecretKey>): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, TAG);
  const text = cipher.update(JSON.stringify(sample()));
  cipher.final();
  return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url');
}
