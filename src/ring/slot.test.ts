import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { slotOf, slotOfBits, slotOfDigest } from './slot.js';

const idOf = (hex: string) => Buffer.from(hex.padEnd(32, '0'), 'hex').toString('base64url');

describe('the slot of an id', () => {
  test('is the first 14 bits of its bytes', () => {
    expect(slotOfBits('EjRW')).toBe(1165);
    expect(slotOf(idOf('123456'))).toBe(1165);
    expect(slotOf(idOf('0000'))).toBe(0);
    expect(slotOf(idOf('ffff'))).toBe(16383);
  });

  test('is what decoding would say, for any id', () => {
    for (let n = 0; n < 2000; n++) {
      const bytes = randomBytes(16);
      expect(slotOf(bytes.toString('base64url'))).toBe(bytes.readUInt16BE(0) >> 2);
    }
  });

  test('comes from SHA-256 for ids of other libraries', () => {
    expect(slotOf('abc')).toBe(11934);
    expect(slotOf('sdgsdg1s56g156gge56rgerg4')).toBe(5561);
    expect(slotOf('')).toBe(14572);
    expect(slotOfDigest('abc')).toBe(11934);
  });

  test('ids of another length that begin alike are in different slots', () => {
    const slots = new Set(Array.from({ length: 200 }, (_, n) => slotOf(`session-${n}`)));
    expect(slots.size).toBeGreaterThan(190);
  });

  test('exists for whatever a stranger sends', () => {
    const odd = [
      '\u0000'.repeat(22),
      '\uffff'.repeat(22),
      `AA+${'A'.repeat(19)}`,
      '\ud800',
      'é'.repeat(22),
      '../'.repeat(99),
    ];
    for (const text of odd) {
      expect(slotOf(text)).toBe(slotOfDigest(text));
      expect(slotOf(text)).toBeGreaterThanOrEqual(0);
      expect(slotOf(text)).toBeLessThan(16384);
    }
  });
});
