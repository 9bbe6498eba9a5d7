/**
 * Tokens: that they are random, that each has one spelling, and that nothing else is ever taken for one.
 * The hostile forms are those of the token format itself: halves missing, swapped, mixed, too long, too short, spelled twice.
 */
import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  hashSecret,
  idBytes,
  idOf,
  isId,
  join,
  newSecret,
  newToken,
  sameSecret,
  split,
  TOKEN_LENGTH,
} from './token.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const random = (bytes: number): Uint8Array => randomBytes(bytes);
const ofBytes = (length: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('base64url'));

const alice = newToken(random);
const mallory = newToken(random);
const token = join(alice.id, alice.secret);

describe('making', () => {
  test('a token is 22 characters, a dot and 43 characters', () => {
    expect(token).toMatch(/^[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}$/);
    expect(token).toHaveLength(TOKEN_LENGTH);
    expect(Buffer.from(alice.id, 'base64url')).toHaveLength(16);
    expect(Buffer.from(alice.secret, 'base64url')).toHaveLength(32);
  });

  test('every bit comes from the random source it was given', () => {
    const counting = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, i) => i + bytes);
    const made = newToken(counting);
    expect([...Buffer.from(made.id, 'base64url')]).toEqual([...counting(16)]);
    expect([...Buffer.from(made.secret, 'base64url')]).toEqual([...counting(32)]);
    expect(newSecret(counting)).toBe(made.secret);
  });

  test('a source that hands out views of a larger pool gives no more than its view', () => {
    const pool = new Uint8Array(64).fill(255);
    const made = newToken((bytes) => pool.subarray(7, 7 + bytes).fill(0));
    expect(made).toEqual({ id: 'A'.repeat(22), secret: 'A'.repeat(43) });
  });

  test('100,000 tokens share no half, and each bit is on in half of them', () => {
    const count = 100_000;
    const halves = new Set<string>();
    const ones = new Uint32Array(48 * 8);
    for (let n = 0; n < count; n++) {
      const { id, secret } = newToken(random);
      halves.add(id).add(secret);
      countBits(Buffer.concat([Buffer.from(id, 'base64url'), Buffer.from(secret, 'base64url')]), ones);
    }
    expect(halves.size).toBe(2 * count);
    // One bit's share has a standard deviation of 0.0016: 0.01 is six of them, for 384 bits less than one false alarm in a million.
    for (const on of ones) expect(Math.abs(on / count - 0.5)).toBeLessThan(0.01);
  });
});

describe('reading', () => {
  test('what join made, split takes apart', () => {
    fc.assert(
      fc.property(ofBytes(16), ofBytes(32), (id, secret) => {
        expect(split(join(id, secret))).toEqual({ id, secret });
        expect(isId(id)).toBe(true);
      }),
    );
  });

  test('a session that travels as 16 bytes has its own id again where it arrives, also out of a larger buffer', () => {
    const content = Buffer.concat([Buffer.of(7), idBytes(alice.id), Buffer.of(7)]);
    expect(content).toHaveLength(18);
    expect(idOf(content.subarray(1, 17))).toBe(alice.id);
  });

  test('a token cut out of a header is read like any other', () => {
    const header = `theme=dark; __Host-sid=${token}; lang=en`;
    expect(split(header.slice(23, 23 + TOKEN_LENGTH))).toEqual(alice);
  });

  test('of every single-character change, none is the same token', () => {
    for (let at = 0; at < token.length; at++) {
      for (let code = 0; code < 0x180; code++) {
        const other = token.slice(0, at) + String.fromCharCode(code) + token.slice(at + 1);
        if (other !== token) expect(opensAlice(other)).toBe(false);
      }
    }
  });

  test('a last character that decodes to the same bytes is not a second spelling', () => {
    for (const half of ['id', 'secret'] as const) {
      const text = alice[half];
      const bytes = Buffer.from(text, 'base64url');
      const spellings = [...ALPHABET].map((last) => text.slice(0, -1) + last);
      const same = spellings.filter((spelling) => Buffer.from(spelling, 'base64url').equals(bytes));
      expect(same).toHaveLength(half === 'id' ? 16 : 4);
      const accepted = same.filter((spelling) =>
        split(join({ ...alice, [half]: spelling }.id, { ...alice, [half]: spelling }.secret)),
      );
      expect(accepted).toEqual([text]);
    }
  });

  const { id, secret } = alice;
  const stored = Buffer.from(hashSecret(secret));
  const forms: Record<string, string> = {
    nothing: '',
    'a dot': '.',
    'the id alone': id,
    'an id with an empty secret': `${id}.`,
    'an empty id': `.${secret}`,
    'a secret alone': secret,
    'halves swapped': `${secret}.${id}`,
    'two dots': `${id}..${secret}`,
    'a second dot in place of a character': `${id}.${secret.slice(0, 20)}.${secret.slice(21)}`,
    'no dot': `${id}A${secret}`,
    'an id one longer': `${id}A.${secret}`,
    'an id one shorter': `${id.slice(1)}.${secret}`,
    'a secret one longer': `${token}A`,
    'a secret one shorter': token.slice(0, -1),
    'an id one longer and a secret one shorter': `${id}A.${secret.slice(1)}`,
    'an id one shorter and a secret one longer': `${id.slice(1)}.${secret}A`,
    padding: `${token}=`,
    'padding in place of the last character': `${token.slice(0, -1)}=`,
    'a space before': ` ${token.slice(1)}`,
    'a line break after': `${token.slice(0, -1)}\n`,
    'a line break more': `${token}\n`,
    'base64 instead of base64url': `${id}.${'+/'.repeat(21)}A`,
    quotes: `"${token}"`,
    'percent signs': `${id}%2E${secret.slice(2)}`,
    'bytes above 0x7f': `${id}.${'\u00e9'.repeat(43)}`,
    'characters that end in the same byte as ours': `${id}.${[...secret].map((c) => String.fromCharCode(c.charCodeAt(0) + 0x100)).join('')}`,
    'a NUL': `${id}.${secret.slice(0, -1)}\0`,
    'a megabyte': 'A'.repeat(1_048_576),
  };

  test.each(Object.entries(forms))('%s is no token', (_, form) => {
    expect(split(form)).toBeNull();
  });

  test('arbitrary text is a token only if it is exactly what join would make of it', () => {
    const character = fc.constantFrom(...ALPHABET, '.', '=', '+', '/', ' ', '\u00e9', '\0');
    const text = fc.string({ unit: character, minLength: TOKEN_LENGTH - 1, maxLength: TOKEN_LENGTH + 1 });
    const dotted = text.map((t) => `${t.slice(0, 22)}.${t.slice(23)}`);
    fc.assert(
      fc.property(fc.oneof(text, dotted, fc.string()), (candidate) => {
        expect(split(candidate)).toEqual(slowSplit(candidate));
      }),
      { numRuns: 5_000 },
    );
  });

  test('an id is 22 characters in its one spelling, and nothing else', () => {
    expect(isId(id)).toBe(true);
    for (const form of [
      '',
      token,
      secret,
      `${id}A`,
      id.slice(1),
      `${id.slice(0, -1)}B`,
      `${id.slice(0, -1)}=`,
      '../../../../etc/passwd',
    ]) {
      expect(isId(form)).toBe(false);
    }
  });

  test('the hash in place of the secret opens nothing', () => {
    const presented = split(join(id, stored.toString('base64url')));
    expect(presented).not.toBeNull();
    expect(sameSecret(presented?.secret ?? '', stored)).toBe(false);
  });
});

describe('comparing', () => {
  test('the hash is SHA-256 of the characters', () => {
    const expected = createHash('sha256').update(alice.secret, 'ascii').digest();
    expect(Buffer.from(hashSecret(alice.secret)).equals(expected)).toBe(true);
  });

  test('a secret opens its own hash, and nobody else does', () => {
    expect(sameSecret(alice.secret, hashSecret(alice.secret))).toBe(true);
    expect(sameSecret(mallory.secret, hashSecret(alice.secret))).toBe(false);
  });

  test('a hash read back from a store as plain bytes is still the same hash', () => {
    expect(sameSecret(alice.secret, Uint8Array.from(hashSecret(alice.secret)))).toBe(true);
  });

  test('a hash of another length is refused without an exception', () => {
    for (const length of [0, 1, 31, 33, 64]) expect(sameSecret(alice.secret, new Uint8Array(length))).toBe(false);
  });

  test('one flipped bit anywhere in the hash is noticed', () => {
    for (let bit = 0; bit < 256; bit++) {
      const hashed = Uint8Array.from(hashSecret(alice.secret));
      hashed[bit >> 3]! ^= 1 << (bit & 7);
      expect(sameSecret(alice.secret, hashed)).toBe(false);
    }
  });
});

function opensAlice(presented: string): boolean {
  const halves = split(presented);
  return halves !== null && halves.id === alice.id && sameSecret(halves.secret, hashSecret(alice.secret));
}

/** The rule said another way: decode both halves, encode them again, and compare. */
function slowSplit(candidate: string): { id: string; secret: string } | null {
  const [id = '', secret = '', ...more] = candidate.split('.');
  const idBytes = Buffer.from(id, 'base64url');
  const secretBytes = Buffer.from(secret, 'base64url');
  const ours = more.length === 0 && idBytes.length === 16 && secretBytes.length === 32;
  return ours && join(idBytes.toString('base64url'), secretBytes.toString('base64url')) === candidate
    ? { id, secret }
    : null;
}

function countBits(bytes: Uint8Array, ones: Uint32Array): void {
  for (let bit = 0; bit < bytes.length * 8; bit++) ones[bit]! += ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1;
}
