/**
 * Keeping passwords: scrypt with a salt of its own for each, compared in constant time.
 *
 * The front end sends md5 hex; for us that is just the text the user knows. Cost: N = 2^14, r = 8, p = 5, one of the
 * equivalent settings of OWASP's Password Storage Cheat Sheet, chosen for its 16 MiB because three servers share a laptop.
 * The parameters stand in the stored text, so that they can be raised later without locking anybody out.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** How hard a password is to try. `logN`: N = 2 ** logN. */
export interface HashCost {
  readonly logN: number;
  readonly block: number;
  readonly parallel: number;
}

export const properCost: HashCost = { logN: 14, block: 8, parallel: 5 };
const KEY_BYTES = 32;

/** Plain letters and digits, as the original demands: 6 to 128 of them. */
export function isAllowedPassword(text: string): boolean {
  return /^[0-9A-Za-z]{6,128}$/.test(text);
}

export async function hashPassword(password: string, cost: HashCost): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, cost);
  const { logN, block, parallel } = cost;
  return ['scrypt', logN, block, parallel, salt.toString('base64url'), key.toString('base64url')].join('$');
}

export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [, logN, block, parallel, salt = '', key = ''] = stored.split('$');
  const cost = { logN: Number(logN), block: Number(block), parallel: Number(parallel) };
  const actual = await derive(password.slice(0, 128), Buffer.from(salt, 'base64url'), cost);
  return timingSafeEqual(actual, Buffer.from(key, 'base64url'));
}

function derive(password: string, salt: Buffer, { logN, block, parallel }: HashCost): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** logN, r: block, p: parallel, maxmem: 64 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, KEY_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
