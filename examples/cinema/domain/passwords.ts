/**
 * Keeping passwords: scrypt with a salt of its own for each, compared in constant time.
 *
 * The front end sends md5 hex; for us that is just the text the user knows. Cost: N = 2^14, r = 8, p = 5, one of the
 * equivalent settings of OWASP's Password Storage Cheat Sheet, chosen for its 16 MiB because three servers share a laptop.
 * The parameters stand in the stored text, so that they can be raised later without locking anybody out.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

const LOG_N = 14;
const BLOCK = 8;
const PARALLEL = 5;
const KEY_BYTES = 32;

/** Plain letters and digits, as the original demands: 6 to 128 of them. */
export function isAllowedPassword(text: string): boolean {
  return /^[0-9A-Za-z]{6,128}$/.test(text);
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, LOG_N, BLOCK, PARALLEL);
  return ['scrypt', LOG_N, BLOCK, PARALLEL, salt.toString('base64url'), key.toString('base64url')].join('$');
}

export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [, logN, block, parallel, salt = '', key = ''] = stored.split('$');
  const expected = Buffer.from(key, 'base64url');
  const actual = await derive(
    password.slice(0, 128),
    Buffer.from(salt, 'base64url'),
    Number(logN),
    Number(block),
    Number(parallel),
  );
  return timingSafeEqual(actual, expected);
}

function derive(password: string, salt: Buffer, logN: number, block: number, parallel: number): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** logN, r: block, p: parallel, maxmem: 64 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, KEY_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
