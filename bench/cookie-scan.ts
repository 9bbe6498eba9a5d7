/**
 * What finding the token costs. Two claims, both as ratios of one run, so that the machine cancels out:
 *
 * 1. Reading our cookie from an ordinary header costs a fraction of parsing that header (`cookie.parse` beside it).
 * 2. The work is linear whatever a stranger sends: twice the header takes at most 2.6 times as long. The fast suite counts
 *    characters instead of nanoseconds (src/transports/cookie-header.test.ts); this is the same claim by the clock.
 *
 * Run: node build/bench/cookie-scan.js. Ends with status 1 when a doubling is past the limit in the fastest
 * of its rounds: whatever else the machine does can only add to a time.
 */
import { parseCookie } from 'cookie';
import { cookie, type RequestView } from 'sojourn';

const ROUNDS = 41;
const DOUBLING_LIMIT = 2.6;
/** To 16 KiB, the longest header that Node lets through, and far beyond it, for a clear figure. */
const DOUBLED_KIB = [8, 64];
/** Characters that one timing goes through, whatever the size of the header: short enough to fall between two interruptions. */
const CHARACTERS_TIMED = 8 * 64 * 1024;
const NAME = '__Host-sid';
const transport = cookie();
const read = (header: string): number => transport.read(request(header)).length;

ordinary();
process.exitCode = DOUBLED_KIB.flatMap((kib) => Object.entries(hostile()).map((shape) => doubling(kib, shape))).every(
  Boolean,
)
  ? 0
  : 1;

function ordinary(): void {
  const token = `${'A'.repeat(22)}.${'A'.repeat(43)}`;
  const headers = Array.from(
    { length: 64 },
    (_, n) => `theme=dark; lang=en-GB; ${NAME}=${token}; _ga=GA1.2.${n}.1234567890`,
  );
  const ours = (): void => {
    for (const header of headers) read(header);
  };
  const parse = (): void => {
    for (const header of headers) parseCookie(header);
  };
  const pairs = alternated(ours, parse, 2_000);
  report(
    'ordinary header, our scan / cookie.parse',
    pairs.map(([a, b]) => a / b),
  );
  report(
    '  our scan, ns',
    pairs.map(([a]) => a / headers.length),
  );
}

/** Headers that some parser somewhere has taken quadratic time for. */
function hostile(): Record<string, (size: number) => string> {
  return {
    'one long value': (size) => `${NAME}=${'A'.repeat(size)}`,
    'backslashes in quotes': (size) => `${NAME}="${'\\'.repeat(size)}"`,
    'our name over and over': (size) => NAME.repeat(size / NAME.length),
    'our name over and over, as cookies': (size) => `${NAME}; `.repeat(size / (NAME.length + 2)),
    'spaces before our name': (size) => `${' '.repeat(size)}${NAME}=x`,
    'spaces for a value': (size) => `${NAME}=${' '.repeat(size)}`,
    semicolons: (size) => ';'.repeat(size),
    'our cookie as a value': (size) => `a=${NAME}=x; `.repeat(size / (NAME.length + 6)),
  };
}

function doubling(kib: number, [shape, make]: [string, (size: number) => string]): boolean {
  const small = flat(make(kib * 1024));
  const large = flat(make(2 * kib * 1024));
  const pairs = alternated(
    () => read(large),
    () => read(small),
    CHARACTERS_TIMED / (kib * 1024),
  );
  report(
    `${shape}, ${2 * kib} KiB / ${kib} KiB`,
    pairs.map(([a, b]) => a / b),
  );
  const fastest = Math.min(...pairs.map(([a]) => a)) / Math.min(...pairs.map(([, b]) => b));
  process.stdout.write(`  of the fastest rounds: ${fastest.toFixed(2)}\n`);
  return fastest <= DOUBLING_LIMIT;
}

/** Nanoseconds of one call each, side by side, after a round to warm up. */
function alternated(a: () => unknown, b: () => unknown, calls: number): (readonly [number, number])[] {
  const pairs = Array.from({ length: ROUNDS + 1 }, () => [timed(a, calls), timed(b, calls)] as const);
  return pairs.slice(1);
}

function timed(run: () => unknown, calls: number): number {
  const begin = process.hrtime.bigint();
  for (let n = 0; n < calls; n++) run();
  return Number(process.hrtime.bigint() - begin) / calls;
}

/** Prints median, minimum and maximum. */
function report(what: string, figures: readonly number[]): void {
  const sorted = figures.toSorted((a, b) => a - b);
  const [min = 0, median = 0, max = 0] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
  process.stdout.write(`${what}: ${median.toFixed(2)} (${min.toFixed(2)}..${max.toFixed(2)})\n`);
}

/** Concatenated text is a tree until it is first read; a header from the network never is. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function request(header: string): RequestView {
  return { secure: true, proxied: false, header: (name) => (name === 'cookie' ? header : undefined) };
}
