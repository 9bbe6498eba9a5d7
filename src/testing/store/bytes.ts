/**
 * Bytes and names: whatever a codec makes of a value, and whatever a field or a user is called, comes back as it was.
 *
 * Stores lose bytes where they pass them through text, and names where they paste them into keys, paths, queries or objects.
 * Fixed lists, not random ones: each entry has been somebody's bug, and random text finds none of them in reasonable time.
 */
import { randomBytes } from 'node:crypto';
import type { Delta } from '../../contract.js';
import { bytes, delta, deltaOf, freshId, remove, same, sessionOf } from './samples.js';
import type { Kit } from './scene.js';

const values: Readonly<Record<string, Uint8Array>> = {
  'no bytes': new Uint8Array(0),
  'a NUL': Uint8Array.of(0),
  'NULs around text': bytes('\0a\0'),
  'every byte value': Uint8Array.from({ length: 256 }, (_, i) => i),
  'what is not UTF-8': Uint8Array.of(0xc3, 0x28, 0xff, 0xfe, 0x80, 0xed, 0xa0, 0x80),
  'a byte order mark': Uint8Array.of(0xef, 0xbb, 0xbf, 0x61),
  'line ends and quotes': bytes('\r\n"\'`\\%s$1'),
  'text that looks like JSON': bytes('{"__proto__":null}'),
  'a number in text': bytes('0012.50'),
  'a part of a larger buffer': new Uint8Array(Uint8Array.from({ length: 64 }, (_, i) => i).buffer, 8, 16),
};

/** Every one is a name that some store has confused with its own syntax. */
// biome-ignore format: one name per line would fill the page
export const fieldNames: readonly string[] = [
  '', ' ', ' a ', 'a', 'A', 'a.b', '.a', 'a.', '$set', 'a$b', '$', 'a b', 'a\0b', 'a\0', '\0a', 'a\nb', 'a:b', 'a/b', '../a', 'a|b', 'a,b',
  'a=b', '%00', '*', '?', '[a]', '{a}', '"', "'", '`', '\\', ';--', 'é', 'e\u0301', 'İ', 'ß', '日本語', '🎟️', '__proto__', 'constructor',
  'prototype', 'toString', 'hasOwnProperty', 'toJSON', 'then', 'length', 'size', 'id', '_id', 'key', 'value', 'data', 'head', 'fields',
  'version', 'expiresAt', 'generation', 'secret', 'user', '0', '-1', '1e3', 'null', 'undefined', 'x'.repeat(255), 'é'.repeat(127),
];

/** Users are the application's own names: mail addresses, URNs, anything. */
// biome-ignore format: as above
export const userNames: readonly string[] = [
  'alice', 'Alice', 'alice:1', 'alice:', ':alice', 'alice/1', '../alice', 'a\0b', 'a', 'a b', ' a', 'a*', '{a}', "o'neil", '%', '_', 'é', 'e\u0301',
  '🎟️', '__proto__', 'constructor', '0', 'null', 'x'.repeat(1024), 'é'.repeat(512),
];

export function bytesAndNames(kit: Kit): void {
  kit.group('bytes and names', () => {
    valuesSurvive(kit);
    namesSurvive(kit);
  });
}

function valuesSurvive({ promise, settings }: Kit): void {
  const largest = `a value of ${settings.largestValueBytes} bytes`;
  for (const [what, value] of Object.entries({ ...values, [largest]: randomBytes(settings.largestValueBytes) })) {
    promise(`a value survives byte-exact: ${what}`, 'values are bytes; never decode them', async ({ store, now }) => {
      const id = freshId();
      const before = new Map([['field', value]]);
      await store.create(id, sessionOf(now(), before, { secret: value.slice(0, 32) }));
      same((await store.load(id))?.fields, before, 'the fields after create');
      await store.commit(id, delta(now(), { field: remove, other: { op: 'set', value } }));
      same((await store.load(id))?.fields, new Map([['other', value]]), 'the fields after a commit');
      const swapped = await store.commit(id, delta(now(), { other: { op: 'swap', expect: value, value: bytes('x') } }));
      same(swapped, { status: 'ok', version: 3 }, 'a swap that expects the value');
      await store.commit(id, delta(now(), { other: { op: 'swap', expect: bytes('x'), value } }));
      const lost = await store.commit(id, delta(now(), { other: { op: 'swap', expect: bytes('y'), value: null } }));
      same(lost, { status: 'conflict', fields: new Map([['other', value]]) }, 'a swap that expects something else');
    });
  }
}

function namesSurvive({ promise }: Kit): void {
  promise(
    'fields with odd names live beside each other',
    'names are data: keep them out of keys, paths, queries and plain objects (a Map, or an object without prototype)',
    async ({ store, now }) => {
      const id = freshId();
      const all = new Map(fieldNames.map((name, i) => [name, bytes(String(i))]));
      await store.create(id, sessionOf(now(), all));
      same((await store.load(id))?.fields, all, 'the fields after create');
      for (const [i, name] of fieldNames.entries()) {
        const change = one(now(), name, String(i), `${i}!`);
        same(
          await store.commit(id, change),
          { status: 'ok', version: 2 + i },
          `a swap of field ${JSON.stringify(name)}`,
        );
      }
      const changed = new Map(fieldNames.map((name, i) => [name, bytes(`${i}!`)]));
      same((await store.load(id))?.fields, changed, 'the fields after a swap of each');
      for (const name of fieldNames) {
        await store.commit(id, deltaOf(now(), new Map([[name, remove]])));
        changed.delete(name);
        same((await store.load(id))?.fields, changed, `the fields after delete of ${JSON.stringify(name)}`);
      }
    },
  );

  promise('users with odd names survive a round trip', 'the user is data, too', async ({ store, now }) => {
    for (const user of userNames) {
      const id = freshId();
      await store.create(id, sessionOf(now(), new Map()));
      await store.commit(id, delta(now(), {}, { head: { user } }));
      same((await store.load(id))?.head.user, user, `user ${JSON.stringify(user.slice(0, 20))}`);
      await store.destroy(id);
      same(await store.load(id), null, `the session of user ${JSON.stringify(user.slice(0, 20))} after destroy`);
    }
  });
}

function one(nowMs: number, name: string, expect: string, value: string): Delta {
  return deltaOf(nowMs, new Map([[name, { op: 'swap', expect: bytes(expect), value: bytes(value) }]]));
}
