/** Both seals through the kit, and what the kit cannot know: keys of other purposes, scopes, lengths, compression. */
import { createHmac, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { encrypted, type Sealer, signed } from 'sojourn';
import { sealerKit } from 'sojourn/testing';
import { describe, expect, test } from 'vitest';
import { keyring } from '../core/keyring.js';
import { contentOf, sessionIn } from './content.js';

const key = randomBytes(32);
const seals = { encrypted, signed } as const;
const session = Buffer.from('{"cart":["popcorn"]}');

describe('encrypted', () => sealerKit({ describe, test }, (keys) => encrypted({ keys })));
describe('signed', () => sealerKit({ describe, test }, (keys) => signed({ keys })));
describe('encrypted and compressed', () =>
  sealerKit({ describe, test }, (keys) => encrypted({ keys, compress: true, block: 64 })));
describe('signed and compressed', () => sealerKit({ describe, test }, (keys) => signed({ keys, compress: true })));

/** What visitors' browsers hold today. Whoever changes a byte of a format, or how keys are made, signs them all out: give it another number. */
const held = {
  cart: Buffer.from(JSON.stringify({ cart: Array.from({ length: 12 }, () => 'popcorn') })),
  encrypted:
    'AbQy2DLjUcgqL2S06j2vGX4nA81d6c7Dp3GMLXx5AaR0dK7GSkDgLkn7SObaJcYlKXJ8esR8ViXVmxPsQIRrY_OrgNZv2-9Yx__vbx3Su5cGUi9rmTcqCwNBJldr47Uh-L_shMDKdA3eida-Iyh8E_t0y94IleaZ27OSlHs4TTDLDzy44-xP66ZSCNaEYuAb4Z0rw9N4Lu1hQJoDoejO7olZVd3a_muv28V5zfNntdSI4DktCu059GAVaXT_qDer6I1V',
  encryptedForShop: 'AQX6uqW_5xoVwUmA3Ra1CE826rhIbG96CIxWAaRcmEHg7YLjE-j9zywB4Ki43huxI3ECf-ZhFOjFvqvGn6FXxEB-QQ',
  signed:
    'AsaxZlcAeyJjYXJ0IjpbInBvcGNvcm4iLCJwb3Bjb3JuIiwicG9wY29ybiIsInBvcGNvcm4iLCJwb3Bjb3JuIiwicG9wY29ybiIsInBvcGNvcm4iLCJwb3Bjb3JuIiwicG9wY29ybiIsInBvcGNvcm4iLCJwb3Bjb3JuIiwicG9wY29ybiJdfYA.Z1WVciwc7c67R_UaUYDYhi6S0dSN_uhWHNDCDy-XEIA',
  signedForShop: 'AgVM-2EBq1ZKTiwqUbKKVirIL0jOL8pT0qErK7YWAIA.MA5A0dgL34IJku6V_o4K9uzK8wQJ-H0qFyIgZd16-bY',
} as const;

describe.each(Object.entries(seals))('%s', (name, make) => {
  const sealer = make({ keys: [key] });

  test('an upgrade of this library signs nobody out: tokens of earlier releases open', () => {
    const keys = ['nT8yq0Wc5bJk2vRz7pXs4mLd9hFg1aQe'];
    const [plain, forShop] =
      make === encrypted ? [held.encrypted, held.encryptedForShop] : [held.signed, held.signedForShop];
    expect(make({ keys }).unseal(plain, '__Host-sid')).toEqual(held.cart);
    expect(make({ keys, application: 'shop' }).unseal(forShop, '__Host-sid')).toEqual(held.cart);
  });

  test('it is named in describe() and in every error about its options', () => {
    expect(sealer.name).toBe(name);
    expect(() => make({ keys: [] })).toThrow(`keys of ${name}: must be`);
    expect(() => make({ keys: [key], secrets: [] } as never)).toThrow(`secrets of ${name}: is not an option`);
    expect(() => make({ keys: [key], compress: 1 } as never)).toThrow(`compress of ${name}: must be`);
  });

  test('the longest token that is looked at has 65,536 characters, be it sealed by ourselves or not', () => {
    const own = make({ keys: [key], ...(make === encrypted && { block: 1 }) });
    const longest = Buffer.alloc(make === encrypted ? 49_115 : 49_112, 7);
    expect(own.seal(longest)).toHaveLength(65_536);
    expect(own.unseal(own.seal(longest))).toEqual(longest);
    expect(own.unseal(own.seal(Buffer.concat([longest, Buffer.of(7)])))).toBeNull();
  });

  test('a token opens in its own scope alone', () => {
    const token = sealer.seal(session, '__Host-sid');
    expect(sealer.unseal(token, '__Host-sid')).toEqual(session);
    for (const scope of ['other', '__host-sid', '', '__Host-sid\0']) expect(sealer.unseal(token, scope)).toBeNull();
  });

  test('two applications with the same key do not open each other', () => {
    const shop = make({ keys: [key], application: 'shop' });
    const blog = make({ keys: [key], application: 'blog' });
    expect(shop.unseal(shop.seal(session))).toEqual(session);
    for (const other of [blog, sealer]) {
      expect(other.unseal(shop.seal(session))).toBeNull();
      expect(shop.unseal(other.seal(session))).toBeNull();
    }
  });

  test('one key for both seals: neither opens what the other has sealed', () => {
    const [other] = Object.values(seals).filter((each) => each !== make);
    expect(other!({ keys: [key] }).unseal(sealer.seal(session))).toBeNull();
  });

  test('a key may be text or bytes, and both are the same key', () => {
    const text = 'nT8yq0Wc5bJk2vRz7pXs4mLd9hFg1aQe';
    expect(make({ keys: [text] }).unseal(make({ keys: [Buffer.from(text)] }).seal(session))).toEqual(session);
  });

  test.each([
    ['no list', 'a text instead of a list, long enough to be a key', /keys of .* must be a list/],
    ['an empty list', [], /keys of .* must be a list of one or more keys/],
    ['31 bytes', [randomBytes(31)], /keys\[0\] of .* must be 32 or more .* got 31 bytes/],
    ['a short text behind a good key', [key, 'keyboard cat'], /keys\[1\] of .* got 12 bytes/],
    ['one letter again and again', ['x'.repeat(64)], /keys\[0\] of .* a few bytes again and again/],
    ['a number', [7], /keys\[0\] of .* got 7/],
    ['the same key twice', [key, Buffer.from(key)], /must not name the same key twice/],
  ])('keys are refused: %s', (_, keys, message) => {
    const wrong = (): Sealer => make({ keys } as never);
    expect(wrong).toThrow(message);
    expect(wrong).toThrow(expect.objectContaining({ code: 'SOJOURN_OPTION' }));
  });

  test('unknown options are refused by name', () => {
    expect(() => make({ keys: [key], secrets: [] } as never)).toThrow(/secrets of .* is not an option/);
    expect(() => make({ keys: [key], application: 7 } as never)).toThrow(/application of .* must be a text/);
    expect(() => make({ keys: [key], compress: 'yes' } as never)).toThrow(/compress of .* must be true or false/);
  });

  test('whatever is sealed opens, and whatever is done to it does not', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 600 }),
        fc.boolean(),
        fc.nat(),
        fc.string({ minLength: 1, maxLength: 3 }),
        (bytes, compress, at, junk) => {
          const own = make({ keys: [key], compress });
          const token = own.seal(bytes, 'sid');
          expect(Buffer.from(own.unseal(token, 'sid')!)).toEqual(Buffer.from(bytes));
          const cut = at % token.length;
          const broken = token.slice(0, cut) + junk + token.slice(cut + junk.length);
          if (broken !== token) expect(own.unseal(broken, 'sid')).toBeNull();
        },
      ),
      { numRuns: 300 },
    );
  });

  test('any text at all is refused without an error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(sealer.unseal(text, 'sid')).toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  test('compression makes long sessions short, and a session of random bytes no longer', () => {
    const small = make({ keys: [key], compress: true });
    const long = Buffer.from('popcorn '.repeat(400));
    expect(small.seal(long).length).toBeLessThan(sealer.seal(long).length / 10);
    const noise = randomBytes(1000);
    expect(small.seal(noise)).toHaveLength(sealer.seal(noise).length);
    expect(small.unseal(small.seal(noise))).toEqual(noise);
  });

  test('what is too long to be inflated again is not deflated', () => {
    const small = make({ keys: [key], compress: true });
    const [fits, huge] = [Buffer.alloc(65_536, 'ab'), Buffer.alloc(65_537, 'ab')];
    expect(small.unseal(small.seal(fits))).toEqual(fits);
    expect(small.seal(huge).length).toBeGreaterThan(65_537);
  });
});

describe('encrypted', () => {
  const sealer = encrypted({ keys: [key] });

  test('nothing of the session can be read in the token', () => {
    const token = sealer.seal(Buffer.from('popcorn'));
    expect(Buffer.from(token, 'base64url').includes('popcorn')).toBe(false);
  });

  test('the same session never looks the same', () => {
    expect(new Set(Array.from({ length: 1000 }, () => sealer.seal(session))).size).toBe(1000);
  });

  test('no nonce is used twice', () => {
    const nonces = Array.from({ length: 1000 }, () =>
      Buffer.from(sealer.seal(session), 'base64url').toString('hex', 7, 19),
    );
    expect(new Set(nonces).size).toBe(1000);
  });

  test('lengths are rounded up to blocks, so that they tell little', () => {
    const lengths = (block?: number): Set<number> => {
      const own = encrypted({ keys: [key], ...(block !== undefined && { block }) });
      return new Set(Array.from({ length: 100 }, (_, i) => own.seal(Buffer.alloc(i)).length));
    };
    expect(lengths(1).size).toBe(100);
    expect(lengths().size).toBe(4);
    expect(lengths(128).size).toBe(1);
  });

  test('another process draws another subkey, and opens all the same', () => {
    const subkeys = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const token = encrypted({ keys: [key] }).seal(session);
      subkeys.add(Buffer.from(token, 'base64url').readUInt16BE(5));
      expect(sealer.unseal(token)).toEqual(session);
    }
    expect(subkeys.size).toBeGreaterThan(15);
  });

  test('a session of no bytes at all takes 37 bytes, and opens', () => {
    const own = encrypted({ keys: [key], block: 1 });
    const token = own.seal(new Uint8Array(0));
    expect(Buffer.from(token, 'base64url')).toHaveLength(37);
    expect(own.unseal(token)).toHaveLength(0);
  });

  test('one process seals under one subkey: a new one for each token would cost as much as the seal', () => {
    const subkeys = Array.from({ length: 100 }, () => Buffer.from(sealer.seal(session), 'base64url').readUInt16BE(5));
    expect(new Set(subkeys).size).toBe(1);
  });

  test('a tag of four bytes is no tag', () => {
    const bytes = Buffer.from(sealer.seal(session), 'base64url');
    expect(sealer.unseal(bytes.subarray(0, -12).toString('base64url'))).toBeNull();
  });

  test('a block must be a whole number from 1 to 1024', () => {
    for (const block of [0, 1.5, 1025, '32'] as number[])
      expect(() => encrypted({ keys: [key], block })).toThrow(/block of encrypted/);
  });
});

describe('signed', () => {
  test('everybody can read the session', () => {
    const token = signed({ keys: [key] }).seal(Buffer.from('popcorn'));
    expect(Buffer.from(token.split('.')[0]!, 'base64url').includes('popcorn')).toBe(true);
  });

  test('a signature beyond ASCII is refused like any other, not an error that a visitor can cause', () => {
    const sealer = signed({ keys: [key] });
    const [text] = sealer.seal(session).split('.');
    for (const letter of ['ü', '€', '\ud800', '\0']) expect(sealer.unseal(`${text}.${letter.repeat(43)}`)).toBeNull();
  });

  test('a token of another format is refused, whoever signed it: a later release may mean something else by it', () => {
    const { secret, id } = keyring('signed', { keys: [key] }, 'signed').first;
    const tokenOf = (format: number): string => {
      const text = Buffer.concat([Buffer.of(format), id, contentOf(session, { compress: false, block: 1 })]);
      const mac = createHmac('sha256', secret)
        .update(`sid\0${text.toString('base64url')}`)
        .digest('base64url');
      return `${text.toString('base64url')}.${mac}`;
    };
    expect(signed({ keys: [key] }).unseal(tokenOf(2), 'sid')).toEqual(session);
    for (const format of [0, 1, 3, 255]) expect(signed({ keys: [key] }).unseal(tokenOf(format), 'sid')).toBeNull();
  });
});

test('a megabyte of anything is refused before it is decoded', () => {
  for (const make of Object.values(seals)) {
    const sealer = make({ keys: [key] });
    const good = sealer.seal(session);
    expect(sealer.unseal(good + 'A'.repeat(1e6))).toBeNull();
    expect(sealer.unseal(`${'A'.repeat(1e6)}.${'A'.repeat(43)}`)).toBeNull();
  }
});

test('what inflates to more than 64 KiB is no content, however small it came', () => {
  const content = (bytes: number): Buffer =>
    Buffer.concat([Buffer.of(1), deflateRawSync(Buffer.alloc(bytes)), Buffer.of(0x80)]);
  expect(sessionIn(content(65_536))).toHaveLength(65_536);
  for (const bytes of [65_537, 100_000_000]) expect(sessionIn(content(bytes))).toBeNull();
});

test('deflating begins where it may gain something, at 128 bytes', () => {
  const form = (bytes: number): number => contentOf(Buffer.alloc(bytes, 'ab'), { compress: true, block: 1 })[0]!;
  expect([0, 127, 128].map(form)).toEqual([0, 0, 1]);
});

test('an inflated session is never taken out of content of another form', () => {
  const content = (form: number): Buffer =>
    Buffer.concat([Buffer.of(form), deflateRawSync(session), Buffer.of(0x80, 0)]);
  expect(sessionIn(content(1))).toEqual(session);
  for (const form of [2, 3, 255]) expect(sessionIn(content(form))).toBeNull();
});

test.each([
  ['nothing', []],
  ['zeros only', [0, 0, 0]],
  ['no end', [0, 1, 2]],
  ['an end alone', [0x80]],
  ['another form', [2, 1, 0x80]],
  ['bytes that do not inflate', [1, 0xff, 0xff, 0x80]],
])('no content: %s', (_, bytes) => {
  expect(sessionIn(Buffer.from(bytes))).toBeNull();
});
