/** How often `encrypted` makes a subkey: once for each number that it meets, whatever numbers a forger asks for. */
import { randomBytes } from 'node:crypto';
import { encrypted } from 'sojourn';
import { expect, test, vi } from 'vitest';

const made = vi.hoisted(() => ({ subkeys: 0 }));

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  return {
    ...crypto,
    hkdfSync: (...args: Parameters<typeof crypto.hkdfSync>) => {
      if (/\/encrypted\/\d+$/.test(String(args[3]))) made.subkeys++;
      return crypto.hkdfSync(...args);
    },
  };
});

test('a fleet of 4096 processes keeps its subkeys, and a forger who asks for more throws out the oldest only', () => {
  const keys = [randomBytes(32)];
  const bytes = Buffer.from(encrypted({ keys }).seal(Buffer.from('{}')), 'base64url');
  const reader = encrypted({ keys });
  const costOf = (from: number, to: number): number => {
    const before = made.subkeys;
    for (let number = from; number <= to; number++) {
      bytes.writeUInt16BE(number, 5);
      reader.unseal(bytes.toString('base64url'));
    }
    return made.subkeys - before;
  };
  expect(costOf(0, 4095)).toBe(4096);
  expect(costOf(0, 4095)).toBe(0);
  expect(costOf(4096, 4096)).toBe(1);
  expect(costOf(1, 4096)).toBe(0);
  expect(costOf(0, 0)).toBe(1);
  expect(costOf(2, 4096)).toBe(0);
});
