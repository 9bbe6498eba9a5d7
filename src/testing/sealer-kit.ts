/**
 * The conformance kit for sealers: what was sealed opens again, and nothing else does, whatever a client sends back.
 *
 * A token comes from outside, so every way to damage one is tried: each bit of its text, each length, parts of two tokens put
 * together. A text that decodes to the same bytes is a damaged token as well: there is one spelling of each.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Sealer } from '../contract.js';
import type { Runner } from './runner.js';

/** Makes the sealer under test from 32-byte keys: the first one seals, every one opens. */
export type MakeSealer = (keys: readonly Uint8Array[]) => Sealer;

const contents: Readonly<Record<string, Uint8Array>> = {
  'no bytes': new Uint8Array(0),
  'one NUL': Uint8Array.of(0),
  text: Buffer.from('{"views":1}'),
  'every byte value': Uint8Array.from({ length: 256 }, (_, i) => i),
  '3000 bytes': randomBytes(3000),
};

/** What may stand in a cookie's value: RFC 6265, section 4.1.1, cookie-octet. */
const COOKIE_OCTETS = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/;

const garbage = [
  '',
  '.',
  '..',
  'a',
  '=',
  '\0',
  'ü',
  '💥',
  '\ud800',
  '__proto__',
  'null',
  '{}',
  ' ',
  '%',
  'A'.repeat(1e6),
  '.'.repeat(1e5),
];

/**
 * Registers the tests that every sealer must pass: `sealerKit({ describe, test }, (keys) => encrypted({ keys }))`.
 */
export function sealerKit(runner: Runner, makeSealer: MakeSealer): void {
  const key = randomBytes(32);
  const sealer = makeSealer([key]);
  runner.describe('a sojourn sealer', () => {
    runner.describe('opens', () => opens(runner, sealer));
    runner.describe('refuses', () => refuses(runner, sealer));
    runner.describe('keys', () => keys(runner, makeSealer));
  });
}

function opens({ test }: Runner, sealer: Sealer): void {
  for (const [what, content] of Object.entries(contents)) {
    test(`what was sealed opens byte-exact: ${what}`, () => {
      const token = sealer.seal(content);
      assert.match(
        token,
        COOKIE_OCTETS,
        'A token must fit into a cookie: no spaces, quotes, commas, semicolons or backslashes.',
      );
      expectOpen(sealer, token, content);
    });
  }

  test('what the caller passed in or was handed may change afterwards', () => {
    const content = Buffer.from('before');
    const token = sealer.seal(content);
    content.fill(0);
    sealer.unseal(token)?.fill(0);
    expectOpen(sealer, token, Buffer.from('before'));
  });
}

function refuses({ test }: Runner, sealer: Sealer): void {
  const token = sealer.seal(Buffer.from('{"user":"alice"}'));

  test('a token with any one bit flipped is refused', () => {
    for (let at = 0; at < token.length; at++) {
      for (let bit = 0; bit < 7; bit++) {
        const flipped = String.fromCharCode(token.charCodeAt(at) ^ (1 << bit));
        expectRefused(
          sealer,
          token.slice(0, at) + flipped + token.slice(at + 1),
          `bit ${bit} of character ${at} was flipped`,
        );
      }
    }
  });

  test('a token that was cut is refused', () => {
    for (let length = 0; length < token.length; length++) {
      expectRefused(sealer, token.slice(0, length), `only ${length} of ${token.length} characters were left`);
      expectRefused(sealer, token.slice(token.length - length), `only the last ${length} characters were left`);
    }
  });

  test('a token with something added is refused', () => {
    for (const added of ['A', '=', '==', '.', ' ', '\n', '\0', token]) {
      expectRefused(sealer, token + added, `${JSON.stringify(added.slice(0, 4))} was added behind`);
      expectRefused(sealer, added + token, `${JSON.stringify(added.slice(0, 4))} was added before`);
    }
  });

  test('parts of two tokens do not make a third', () => {
    const other = sealer.seal(Buffer.from('{"user":"mallo"}'));
    for (let at = 1; at < token.length; at++) {
      const mixed = token.slice(0, at) + other.slice(at);
      if (mixed !== token && mixed !== other) expectRefused(sealer, mixed, `two tokens were joined at character ${at}`);
    }
  });

  test('garbage is refused and never throws', () => {
    for (const text of garbage) expectRefused(sealer, text, `it was ${JSON.stringify(text.slice(0, 20))}`);
    for (let i = 0; i < 200; i++)
      expectRefused(sealer, randomBytes(i).toString('base64url'), `it was ${i} random bytes`);
  });
}

function keys({ test }: Runner, makeSealer: MakeSealer): void {
  const [older, newer, other] = [randomBytes(32), randomBytes(32), randomBytes(32)];
  const content = Buffer.from('{"user":"alice"}');

  test('a token sealed with another key is refused', () => {
    expectRefused(makeSealer([other]), makeSealer([older]).seal(content), 'its key is unknown');
  });

  test('after a rotation the old key still opens', () => {
    const token = makeSealer([older]).seal(content);
    expectOpen(makeSealer([newer, older]), token, content);
    expectOpen(makeSealer([newer, other, older]), token, content);
  });

  test('the first key seals', () => {
    const token = makeSealer([newer, older]).seal(content);
    expectOpen(makeSealer([newer]), token, content);
    expectRefused(makeSealer([older]), token, 'it should have been sealed with the first key');
  });

  test('once the old key is removed, its tokens are refused', () => {
    expectRefused(makeSealer([newer]), makeSealer([older]).seal(content), 'its key was removed');
  });

  test('two sealers with the same keys open each other', () => {
    expectOpen(makeSealer([newer, older]), makeSealer([newer, older]).seal(content), content);
  });
}

function expectOpen(sealer: Sealer, token: string, content: Uint8Array): void {
  const opened = sealer.unseal(token);
  assert.ok(opened instanceof Uint8Array, 'A token that was sealed here did not open.');
  assert.ok(Buffer.compare(opened, content) === 0, 'A token opened to other bytes than were sealed.');
}

function expectRefused(sealer: Sealer, token: string, why: string): void {
  let opened: Uint8Array | null = null;
  try {
    opened = sealer.unseal(token);
  } catch (error) {
    assert.fail(`unseal must answer null for bad input, but threw ${String(error)}: ${why}.`);
  }
  assert.ok(opened === null, `A token was opened that must be refused: ${why}.`);
}
