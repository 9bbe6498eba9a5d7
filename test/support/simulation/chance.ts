/**
 * Seeded chance: the same seed gives the same numbers, on every machine and Node version.
 *
 * Everything random in a simulation comes from here. Each part of the world has a source of its own, forked by name, so that
 * taking one fault or one step out of a run leaves the draws of all other parts as they were: that is what makes a failing run
 * small again. Integer arithmetic only (sfc32): logarithms differ in their last bit between engines.
 */

export interface Chance {
  /** At least 0, below 1. */
  real(): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  hits(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  bytes(count: number): Uint8Array;
  /** Another source, that has nothing to do with what was drawn here. */
  fork(name: string | number): Chance;
}

export function chance(seed: string): Chance {
  const next = sfc32(seed);
  const real = (): number => next() / 2 ** 32;
  return {
    real,
    between: (least, most) => least + Math.floor(real() * (most - least + 1)),
    hits: (probability) => real() < probability,
    pick: (items) => items[Math.floor(real() * items.length)]!,
    bytes(count) {
      const bytes = Buffer.allocUnsafe(count);
      for (let at = 0; at < count; at++) bytes[at] = next() >>> 24;
      return bytes;
    },
    fork: (name) => chance(`${seed}/${name}`),
  };
}

/** One of these by its weight. */
export function weighted<T>(source: Chance, items: readonly (readonly [weight: number, item: T])[]): T {
  let left = source.real() * items.reduce((total, [weight]) => total + weight, 0);
  for (const [weight, item] of items) {
    left -= weight;
    if (left < 0) return item;
  }
  return items[items.length - 1]![1];
}

/** Chris Doty-Humphrey's small fast counting generator, from PractRand. */
function sfc32(seed: string): () => number {
  let [a, b, c] = [hash(seed, 1), hash(seed, 2), hash(seed, 3)];
  let counter = 1;
  const next = (): number => {
    const out = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + out) | 0;
    return out >>> 0;
  };
  for (let warm = 0; warm < 12; warm++) next();
  return next;
}

/** FNV-1a with a finish that mixes. */
function hash(text: string, salt: number): number {
  let mixed = 0x811c_9dc5 ^ Math.imul(salt, 0x9e37_79b1);
  for (let at = 0; at < text.length; at++) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x0100_0193);
  mixed ^= mixed >>> 16;
  mixed = Math.imul(mixed, 0x85eb_ca6b);
  return mixed ^ (mixed >>> 13);
}
