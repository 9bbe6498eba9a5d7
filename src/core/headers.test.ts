/** Our header lines beside the application's own: `Vary` grows, `Cache-Control` never gets weaker. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergedCacheControl, mergedVary } from './headers.js';

test.each<[string | undefined, string, string]>([
  [undefined, 'Cookie', 'Cookie'],
  ['', 'Cookie', 'Cookie'],
  ['  ', 'Cookie', 'Cookie'],
  ['Accept', 'Cookie', 'Accept, Cookie'],
  ['accept, COOKIE', 'Cookie', 'accept, COOKIE'],
  ['Cookie', 'Cookie, Authorization', 'Cookie, Authorization'],
  ['Accept', 'Cookie, Authorization', 'Accept, Cookie, Authorization'],
  ['*', 'Cookie', '*'],
  ['Accept, *', 'Cookie', 'Accept, *'],
  ['X-Cookie', 'Cookie', 'X-Cookie, Cookie'],
])('Vary %j and %j make %j', (present, added, merged) => {
  expect(mergedVary(present, added)).toBe(merged);
});

test('merging Vary twice is merging it once, and nothing is ever lost', () => {
  const names = fc
    .array(fc.constantFrom('Cookie', 'cookie', 'Accept', 'Origin', 'Authorization', '*'), {
      minLength: 1,
      maxLength: 4,
    })
    .map((list) => list.join(', '));
  const set = (value: string) => value.toLowerCase().split(', ');
  fc.assert(
    fc.property(fc.option(names, { nil: undefined }), names, (present, added) => {
      const merged = mergedVary(present, added);
      expect(mergedVary(merged, added)).toBe(merged);
      for (const name of set(present ?? '')) if (name !== '') expect(set(merged)).toContain(name);
      if (!set(merged).includes('*')) for (const name of set(added)) expect(set(merged)).toContain(name);
    }),
  );
});

test.each<[string | undefined, string]>([
  [undefined, 'no-store'],
  ['', 'no-store'],
  ['public, max-age=60', 'no-store'],
  ['max-age=60', 'no-store'],
  ['no-cache', 'no-store'],
  ['private', 'private'],
  ['Private, max-age=60', 'Private, max-age=60'],
  ['max-age=0,no-store', 'max-age=0,no-store'],
  ['x-private', 'no-store'],
])('Cache-Control %j becomes %j where a cookie is set', (present, merged) => {
  expect(mergedCacheControl(present, 'no-store')).toBe(merged);
});
