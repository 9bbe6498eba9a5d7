/** The sealer kit on a small honest sealer, and on seven that a cookie library has shipped in one form or another. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { collect } from '../../test/support/collect.js';
import type { Sealer } from '../contract.js';
import { type MakeSealer, sealerKit } from './sealer-kit.js';

const mac = (key: Uint8Array, data: Uint8Array): Buffer => createHmac('sha256', key).update(data).digest();

/** Signed, not encrypted: `content.mac` in base64url. */
const signed: MakeSealer = (keys) => ({
  seal: (content) => `${text(content)}.${text(mac(keys[0]!, content))}`,
  unseal(token) {
    const parts = token.split('.');
    const [content, tag] = parts.map((part) => Buffer.from(part, 'base64url'));
    if (parts.length !== 2 || !content || tag?.length !== 32 || `${text(content)}.${text(tag)}` !== token) return null;
    return keys.some((key) => timingSafeEqual(mac(key, content), tag)) ? content : null;
  },
});

sealerKit({ describe, test }, signed);

const broken: Readonly<Record<string, readonly [MakeSealer, breaks: string]>> = {
  'several spellings of one token': [
    (keys) => ({
      ...signed(keys),
      unseal(token) {
        const parts = token.split('.').map((part) => text(Buffer.from(part, 'base64url')));
        return signed(keys).unseal(parts.join('.'));
      },
    }),
    'a token with any one bit flipped is refused',
  ],
  'a signature that may be absent': [
    (keys) => ({
      ...signed(keys),
      unseal: (token) => (token.includes('.') ? signed(keys).unseal(token) : Buffer.from(token, 'base64url')),
    }),
    'a token that was cut is refused',
  ],
  'a signature of which only a part is compared': [
    (keys) => ({
      ...signed(keys),
      unseal(token) {
        const [content = '', tag = ''] = token.split('.');
        const bytes = Buffer.from(content, 'base64url');
        const right = keys.some((key) => text(mac(key, bytes)).startsWith(tag.slice(0, 8)));
        return tag.length >= 8 && text(bytes) === content && right ? bytes : null;
      },
    }),
    'a token with something added is refused',
  ],
  'errors for bad input': [
    (keys) => ({
      ...signed(keys),
      unseal(token) {
        const opened = signed(keys).unseal(token);
        if (!opened) throw new Error('bad token');
        return opened;
      },
    }),
    'garbage is refused and never throws',
  ],
  'only the first key': [(keys) => signed(keys.slice(0, 1)), 'after a rotation the old key still opens'],
  'the last key seals': [
    (keys) => ({ seal: signed(keys.slice(-1)).seal, unseal: signed(keys).unseal }),
    'the first key seals',
  ],
  'text instead of bytes': [
    (keys) => ({
      seal: (content) => signed(keys).seal(Buffer.from(Buffer.from(content).toString('utf8'))),
      unseal: signed(keys).unseal,
    }),
    'what was sealed opens byte-exact: every byte value',
  ],
};

test.each(Object.entries(broken))('the kit finds: %s', async (_, [makeSealer, breaks]) => {
  const { failed } = await collect((runner) => sealerKit(runner, makeSealer));
  expect([...failed.keys()].map((name) => name.split(' > ').at(-1))).toContain(breaks);
});

test('the kit refuses a sealer whose tokens do not fit into a cookie', async () => {
  const spaced: MakeSealer = (keys) => {
    const { seal, unseal }: Sealer = signed(keys);
    return { seal: (content) => seal(content).replace('.', ' '), unseal: (token) => unseal(token.replace(' ', '.')) };
  };
  const { failed } = await collect((runner) => sealerKit(runner, spaced), 'byte-exact: text');
  expect([...failed.values()][0]?.message).toContain('must fit into a cookie');
});

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
