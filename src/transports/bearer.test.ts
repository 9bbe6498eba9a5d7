/** The bearer transport as an API client meets it: present a token, take a new one from the answer, forget it when told to. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rounds } from '../../test/support/exam.js';
import type { RequestView } from '../contract.js';
import { join, newToken } from '../core/token.js';
import { isFailure } from '../errors.js';
import { type BearerOptions, bearer } from './bearer.js';

const { id, secret } = newToken(randomBytes);
const token = join(id, secret);
const request = (headers: Record<string, string>): RequestView => ({
  secure: false,
  proxied: true,
  header: (name) => headers[name],
});
const authorized = (value: string): RequestView => request({ authorization: value });

describe('reading', () => {
  test.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('%s presents a token', (scheme) => {
    expect(bearer().read(authorized(`${scheme} ${token}`))).toEqual([token]);
  });

  test('a token that is none of ours is handed over too: the engine judges', () => {
    expect(bearer().read(authorized('Bearer nonsense'))).toEqual(['nonsense']);
  });

  test.each([
    ['no header', request({})],
    ['an empty one', authorized('')],
    ['the scheme alone', authorized('Bearer')],
    ['the scheme and a space', authorized('Bearer ')],
    ['another scheme', authorized('Basic YWxpY2U6c2VjcmV0')],
    ['a scheme that begins like ours', authorized(`Bearers ${token}`)],
    ['no space', authorized(`Bearer${token}`)],
    ['a tab for the space', authorized(`Bearer\t${token}`)],
    ['two spaces', authorized(`Bearer  ${token}`)],
    ['two tokens', authorized(`Bearer ${token} ${token}`)],
    ['two credentials in one line', authorized(`Bearer ${token}, Bearer ${token}`)],
    ['the token without its scheme', authorized(token)],
    ['the token in a cookie', request({ cookie: `__Host-sid=${token}` })],
    ['the token in another header', request({ 'x-session-token': token })],
  ])('%s is no token', (_, seen) => {
    expect(bearer().read(seen)).toEqual([]);
  });

  test('arbitrary values never throw, and what is found is one word of the header', () => {
    const text = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    const dense = fc
      .array(fc.constantFrom('Bearer', 'bearer ', ' ', '\t', 'x', ',', '\r\n', '\u00a0', '\u20ac'))
      .map((all) => all.join(''));
    const many = rounds(5_000);
    let found = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          dense,
          text.map((rest) => `Bearer ${rest}`),
        ),
        (value) => {
          const tokens = bearer().read(authorized(value));
          expect(tokens).toEqual(/^bearer [^ \t]+$/i.test(value) ? [value.slice('Bearer '.length)] : []);
          found += tokens.length;
        },
      ),
      { numRuns: many },
    );
    expect(found).toBeGreaterThan(many / 10);
  });
});

describe('answering', () => {
  test('a new token comes in a header of its own', () => {
    expect(bearer().write(token, 1000, request({}))).toEqual([['X-Session-Token', token]]);
  });

  test('an ended session empties that header', () => {
    expect(bearer().clear(request({}))).toEqual([['X-Session-Token', '']]);
  });

  test('a token that no header can carry is an error that does not repeat it', () => {
    for (const value of ['', `${token}\r\nX: y`, `${token} `, `${token}\u00e9`]) {
      try {
        bearer().write(value, undefined, request({}));
      } catch (error) {
        expect(isFailure(error, 'SOJOURN_VALUE') && !error.message.includes(secret)).toBe(true);
        continue;
      }
      throw new Error('a broken token was written');
    }
  });
});

test('what a developer reads who has made such a token, or named such a header', () => {
  expect(() => bearer().write('', undefined, request({}))).toThrow(
    'Cannot keep the token in the session: it is empty or has characters that no header may carry.',
  );
  expect(() => bearer({ header: 'X Auth' })).toThrow(
    'Option header of bearer: must be 1 to 64 letters, digits and !#$%&\'*+-.^_`|~, got "X Auth".',
  );
});

test('the version comes and goes in a header of its own; what is none is ignored', () => {
  const { readVersion, writeVersion } = bearer();
  expect(writeVersion!(12, 1500, request({}))).toEqual([['X-Session-Version', '12']]);
  expect(readVersion!(request({ 'x-session-version': '12' }))).toBe(12);
  expect(readVersion!(request({}))).toBeUndefined();
  for (const wrong of ['', '0', '-1', '12, 13', '012', '1e3', '1234567890123456', 'x'])
    expect(readVersion!(request({ 'x-session-version': wrong }))).toBeUndefined();
});

describe('options', () => {
  test('other header names, and a scheme of another name', () => {
    const transport = bearer({ header: 'X-Auth', scheme: 'Session', answer: 'X-New-Auth' });
    expect(transport.vary).toBe('X-Auth, X-Session-Version');
    expect(transport.read(request({ 'x-auth': `session ${token}` }))).toEqual([token]);
    expect(transport.write(token, undefined, request({}))).toEqual([['X-New-Auth', token]]);
  });

  test('one letter is a name, and so are 64', () => {
    for (const header of ['x', 'x'.repeat(64)])
      expect(bearer({ header }).read(request({ [header]: `Bearer ${token}` }))).toEqual([token]);
  });

  test('an empty scheme: the header holds the token alone', () => {
    const transport = bearer({ header: 'X-Session-Token', scheme: '' });
    expect(transport.read(request({ 'x-session-token': token }))).toEqual([token]);
    expect(transport.read(request({ 'x-session-token': `${token} x` }))).toEqual([]);
    expect(transport.read(request({ 'x-session-token': '' }))).toEqual([]);
  });

  test.each<[keyof BearerOptions, unknown]>([
    ['header', ''],
    ['header', 'X Auth'],
    ['header', 'X-Auth: x\r\nY'],
    ['header', 'x'.repeat(65)],
    ['header', 7],
    ['answer', ''],
    ['answer', 'Bücher'],
    ['scheme', 'Bear er'],
    ['scheme', null],
    ['header', ' x'],
    ['scheme', 'x '],
  ])('%s %o is refused by name', (option, value) => {
    expect(() => bearer({ [option]: value } as BearerOptions)).toThrow(`Option ${option} of bearer`);
  });

  test('an unknown option is refused with the name that was meant', () => {
    expect(() => bearer({ shceme: 'Session' } as BearerOptions)).toThrow('did you mean scheme?');
  });

  test('describe shows the effective settings', () => {
    expect(bearer().describe()).toEqual({
      transport: 'bearer',
      header: 'Authorization',
      scheme: 'Bearer',
      answer: 'X-Session-Token',
    });
    expect(bearer().vary).toBe('Authorization, X-Session-Version');
  });
});
