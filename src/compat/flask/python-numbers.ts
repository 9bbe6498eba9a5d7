/**
 * Numbers as Python writes and reads them: `repr` of a float, an int of any size.
 *
 * Both languages print the shortest digits that read back as the same float, so only the form differs: Python writes 1.0, 1e+16 and
 * 1e-07, fixed for exponents from -4 to 15.
 */
import { MAX_DIGITS, unreadable, unwritable } from './bounds.js';
import { Float } from './python.js';

/** `repr(value)`, but for the three that are no numbers, whose names JSON and Python spell differently. */
export function floatText(value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '', exponentText] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent > 15) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

/** An int, as small a type as holds it. */
export function int(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** The int in this text. SOJOURN_CORRUPT for one of more digits than Python reads. */
export function intOfText(text: string): number | bigint {
  if (text.length > MAX_DIGITS + (text.startsWith('-') ? 1 : 0))
    throw unreadable('it has an int of thousands of digits');
  return int(BigInt(text));
}

/** The digits of an int. SOJOURN_VALUE for one of more digits than Python reads. */
export function intText(value: bigint, path: string): string {
  demandShort(value, path);
  return String(value);
}

/** SOJOURN_VALUE for an int that no reader would take back. */
export function demandShort(value: bigint, path: string): void {
  if (!isShort(value)) throw unwritable(path, `it is an int of more than ${MAX_DIGITS} digits, which Python refuses`);
}

/** Looks at no digit: to compute them takes long for what is too long. */
export function isShort(value: bigint): boolean {
  return value > -TOO_LONG && value < TOO_LONG;
}

const TOO_LONG = 10n ** BigInt(MAX_DIGITS);

/** The number that this text is in JSON; the caller has matched its grammar. */
export function numberOf(text: string, isFloat: boolean): number | bigint | Float {
  if (isFloat) return new Float(Number(text));
  // No JavaScript number is longer, and none this short is inexact.
  return text.length <= 15 ? Number(text) + 0 : intOfText(text);
}
