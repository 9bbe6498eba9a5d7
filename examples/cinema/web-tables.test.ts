/** What the page knows by heart: its words in two languages, the server's texts in English, and how it hides passwords. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { say } from './domain/messages.js';

const load = (file: string): Promise<Record<string, unknown>> => import(new URL(`./web/${file}`, import.meta.url).href);

test('every text of the page exists in English and in Chinese, with the same values in it', async () => {
  const { words } = (await load('words.js')) as { words: Record<string, [unknown, unknown]> };
  expect(Object.keys(words).length).toBeGreaterThan(100);
  for (const [key, [en, zh]] of Object.entries(words)) {
    expect(written(en), `${key} in English`).not.toBe('');
    expect(written(zh), `${key} in Chinese`).toMatch(/\p{Script=Han}|\{/u);
    if (typeof en === 'string' && typeof zh === 'string') expect(valuesIn(zh), key).toEqual(valuesIn(en));
  }
});

test('every text that the page asks for is there', async () => {
  const { words } = (await load('words.js')) as { words: Record<string, unknown> };
  const folder = new URL('./web/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
  const source = files.map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n');
  const asked = new Set([...source.matchAll(/\bt\('([\w-]+)'/g)].map((match) => match[1]!));
  expect(asked.size).toBeGreaterThan(80);
  expect([...asked].filter((key) => !(key in words))).toEqual([]);
});

test('everything that the server says has an English text', async () => {
  const { serverTexts } = (await load('server-texts.js')) as { serverTexts: [string | RegExp, string][] };
  const isKnown = (text: string): boolean =>
    serverTexts.some(([chinese]) => (typeof chinese === 'string' ? chinese === text : chinese.test(text)));
  const silent = [say.seatsKept]; // answered, never shown
  const texts = Object.values(say).map((text) => (typeof text === 'string' ? text : text([36, 37])));
  expect(texts.filter((text) => /\p{Script=Han}/u.test(text) && !isKnown(text))).toEqual(silent);
});

test('without a secure context a password is digested to the same text', async () => {
  const { sha256 } = (await load('secret.js')) as { sha256: (bytes: Uint8Array) => Uint8Array };
  for (let length = 0; length <= 130; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + length) % 256);
    expect(Buffer.from(sha256(bytes))).toEqual(createHash('sha256').update(bytes).digest());
  }
});

function written(text: unknown): string {
  return typeof text === 'function' ? text({ count: 2 }) : String(text);
}

function valuesIn(text: string): string[] {
  return (text.match(/\{\w+\}/g) ?? []).sort();
}
