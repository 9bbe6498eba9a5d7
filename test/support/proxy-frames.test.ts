/** The frame scanner finds the same frames however a stream is cut, and gives up on what is no RESP without losing a byte. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from './exam.js';
import { type Frame, FrameScanner, wordsOf } from './proxy-frames.js';

type Tree = { readonly head: string; readonly under: readonly Tree[] };
const text = fc.string({ unit: fc.constantFrom('a', '0', ' ', '$', '*', '>', '-', ':') });
const bytes = fc.string({ unit: fc.constantFrom('a', '\r', '\n', '$', '>', '1', 'ü') });
const leaf = fc.oneof(
  fc.tuple(fc.constantFrom('+', '-', ':', '#', ',', '('), text).map(([type, line]) => `${type}${line}\r\n`),
  fc.tuple(fc.constantFrom('$', '!', '='), bytes).map(([type, body]) => bulk(type, body)),
  fc.constantFrom('_\r\n', '$-1\r\n', '*-1\r\n', '$0\r\n\r\n', '*0\r\n', '%0\r\n'),
);
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf.map((head) => ({ head, under: [] })),
    fc
      .tuple(fc.constantFrom('*', '~', '%', '|'), fc.array(tie('tree'), { maxLength: 4 }))
      .filter(([type, under]) => type !== '|' || under.length > 0)
      .map(([type, under]) => aggregate(type, under)),
  ),
}));
const push = fc.array(tree, { minLength: 1, maxLength: 3 }).map((under) => written(aggregate('>', under)));
const stream = fc.array(fc.oneof(tree.map(written), push), { minLength: 1, maxLength: 6 });

test(`streams of random values, cut at random places, come out frame by frame (${runs(2000, 100_000)} streams)`, () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat({ max: 9 }), { minLength: 1 }), (frames, sizes) => {
      const scanner = new FrameScanner();
      const found = pieces(Buffer.from(frames.join('')), sizes).flatMap((piece) => scanner.feed(piece));
      expect(found.map((frame) => frame.bytes.toString())).toEqual(frames);
      expect(found.map(({ kind }) => kind)).toEqual(frames.map((frame) => (frame[0] === '>' ? 'push' : 'value')));
      expect(scanner.rest()).toHaveLength(0);
    }),
    { numRuns: runs(2000, 100_000) },
  );
});

test('at every split point of a stream with all there is, the frames are the same', () => {
  const frames = [
    '>2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\nk\r\n\r\n',
    '*2\r\n%1\r\n+a\r\n~2\r\n:1\r\n#t\r\n=7\r\ntxt:\r\n>\r\n',
    '|1\r\n+ttl\r\n:3\r\n*1\r\n|1\r\n+x\r\n_\r\n$2\r\n\r\n\r\n',
    '!4\r\n-ERR\r\n',
    '-ERR no\r\n',
    '>1\r\n+pubsub\r\n',
    '(349\r\n',
  ];
  const whole = Buffer.from(frames.join(''));
  for (let a = 0; a <= whole.length; a++) {
    for (let b = a; b <= whole.length; b++) {
      const scanner = new FrameScanner();
      const parts = [whole.subarray(0, a), whole.subarray(a, b), whole.subarray(b)];
      const found = parts.flatMap((part) => scanner.feed(part));
      expect(found.map((frame) => frame.bytes.toString())).toEqual(frames);
    }
  }
});

test('what is no RESP passes unchanged from its frame on, and what was whole before it stays whole', () => {
  const garbage = ['hello', '$3\r\nabcde', '*x\r\n', '$-2\r\n', '*1\r\nhello', ':1\r\n\r\n', `+${'a'.repeat(70_000)}`];
  fc.assert(
    fc.property(fc.constantFrom(...garbage), fc.array(fc.nat({ max: 9 }), { minLength: 1 }), (bad, sizes) => {
      const scanner = new FrameScanner();
      const found = pieces(Buffer.from(`+OK\r\n${bad}`), bad.length > 100 ? [8000] : sizes).flatMap((piece) =>
        scanner.feed(piece),
      );
      expect(found[0]).toMatchObject({ kind: 'value', bytes: Buffer.from('+OK\r\n') });
      expect(found.at(-1)?.kind).toBe('opaque');
      expect(joined(found) + scanner.rest()).toBe(`+OK\r\n${bad}`);
    }),
  );
});

test('the words of a command', () => {
  const set = Buffer.from('*3\r\n$3\r\nSET\r\n$2\r\nü\r\n$4\r\na\r\nb\r\n');
  expect(wordsOf(set)).toEqual(['SET', 'ü', 'a\r\nb']);
  expect(wordsOf(set, 1)).toEqual(['SET']);
  expect(wordsOf(Buffer.from('*2\r\n:1\r\n+a\r\n'))).toEqual([]);
  expect(wordsOf(Buffer.from('+OK\r\n'))).toEqual([]);
});

function bulk(type: string, body: string): string {
  return `${type}${Buffer.byteLength(body)}\r\n${body}\r\n`;
}

/** Maps and attributes take pairs; an attribute stands before a value of its own. */
function aggregate(type: string, under: readonly Tree[]): Tree {
  const isPaired = type === '%' || type === '|';
  const nil = { head: '_\r\n', under: [] };
  const filled = isPaired && under.length % 2 === 1 ? [...under, nil] : under;
  const count = isPaired ? filled.length / 2 : filled.length;
  return { head: `${type}${count}\r\n`, under: type === '|' ? [...filled, nil] : filled };
}

function written({ head, under }: Tree): string {
  return head + under.map(written).join('');
}

/** Cut into pieces of these sizes, over and over; 0 is an empty piece, and not all are 0. */
function pieces(whole: Buffer, sizes: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0, i = 0; at < whole.length; i++) {
    const size = i % sizes.length === 0 ? Math.max(1, sizes[0] ?? 1) : (sizes[i % sizes.length] ?? 1);
    parts.push(whole.subarray(at, at + size));
    at += size;
  }
  return parts;
}

function joined(frames: readonly Frame[]): string {
  return frames.map((frame) => frame.bytes.toString()).join('');
}
