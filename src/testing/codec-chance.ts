/**
 * Plain values and damaged bytes by chance, for the codec kit.
 *
 * Seeded, so that a failure can be run again and is the same on every machine. Strings are made of the letters that codecs
 * stumble over: quotes, brackets, `$`, NUL, and one letter for each length in UTF-8.
 */

/** The next whole number from 0 to `below` - 1. */
export type Chance = (below: number) => number;

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state are plenty for tests. */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Data that every codec must keep: null, booleans, finite numbers, well-formed strings, arrays, plain objects. */
export function plainValue(next: Chance, levels = 4): unknown {
  switch (next(levels > 0 ? 8 : 5)) {
    case 0:
      return null;
    case 1:
      return next(2) === 0;
    case 2:
      return next(2000) - 1000;
    case 3:
      return (next(0x7fffffff) + 1) / (next(0x7fffffff) + 1);
    case 4:
      return word(next);
    case 5:
      return Array.from({ length: next(5) }, () => plainValue(next, levels - 1));
    default:
      return Object.fromEntries(Array.from({ length: next(5) }, () => [word(next), plainValue(next, levels - 1)]));
  }
}

const letters = ['a', 'b', 'date', '$', '"', '\\', '{', '[', ' ', '0', 'é', '€', '😀', '\u0000', '\n', '\u2028'];

function word(next: Chance): string {
  return Array.from({ length: next(6) }, () => letters[next(letters.length)]).join('');
}

/** The bytes with some of them changed, dropped, doubled or added. */
export function damaged(bytes: Uint8Array, next: Chance): Uint8Array {
  const list = [...bytes];
  for (let strikes = 1 + next(3); strikes > 0; strikes--) {
    const at = next(list.length + 1);
    const what = next(4);
    if (what === 0) list.splice(at, 1);
    else if (what === 1) list.splice(at, 0, next(256));
    else if (what === 2) list.splice(at, 1, next(256));
    else list.splice(at, 0, ...list.slice(0, next(20)));
  }
  return Uint8Array.from(list);
}
