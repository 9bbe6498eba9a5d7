/**
 * Reads a pickle, protocols 0 to 5, without ever being one of its victims.
 *
 * A pickle is a program for a small stack machine. This machine knows the opcodes that sessions are made of, in one table, and has no
 * way to call anything but the functions of pickle-globals.ts: an unknown opcode, a foreign name, an argument of the wrong type ends
 * the reading. It is one loop without recursion; lengths are checked before anything is allocated, the memo is a map, and what
 * comes out is walked once: no cycles, bounded depth, and bounded size also when everything that is shared is written out. What is
 * shared stays shared.
 *
 * Rejected: the package pickleparser, which executes nothing either, but sets prototypes, rounds large ints, loses tuples and floats,
 * and hands out placeholders where it should refuse.
 */
import { MAX_DIGITS, unreadable, unreadableKey } from './bounds.js';
import { Arguments, type Global, globalOf, type Item, isData, tupleOf, Unbuilt } from './pickle-globals.js';
import { PickleInput, readNativeString, readQuoted, readRawUnicode, readText } from './pickle-input.js';
import { ByteArray, Dict, Float, hashed, type Python, PythonSet, Tuple } from './python.js';
import { int, intOfText, isShort } from './python-numbers.js';
import { demandBounded } from './size.js';

/** The dict in these bytes. SOJOURN_CORRUPT for everything else, whatever it is. */
export function readPickle(bytes: Uint8Array): Dict {
  const value = new Machine(new PickleInput(bytes)).run();
  if (!(value instanceof Dict)) throw unreadable('its pickle is no dict');
  demandBounded(value);
  return value;
}

/** Where a list of items begins. */
const MARK: unique symbol = Symbol('mark');
/** 4300 digits, and one byte more: the sign. */
const MAX_LONG_BYTES = Math.ceil((MAX_DIGITS * Math.log2(10)) / 8) + 1;

class Machine {
  readonly input: PickleInput;
  readonly memo = new Map<number, Item>();
  #stack: (Item | typeof MARK)[] = [];

  constructor(input: PickleInput) {
    this.input = input;
  }

  run(): Item {
    for (let opcode = this.input.byte(); opcode !== STOP; opcode = this.input.byte()) {
      const step = STEPS.get(opcode);
      if (step === undefined) throw unreadable('its pickle has an opcode that no session needs');
      step(this);
    }
    const result = this.pop();
    if (this.#stack.length > 0 || this.input.left > 0) throw unreadable('there is more behind its pickle');
    return result;
  }

  push(item: Item): void {
    this.#stack.push(item);
  }

  mark(): void {
    this.#stack.push(MARK);
  }

  /** The uppermost item. What has been built in between is what it became. */
  pop(): Item {
    return settled(this.#stack.pop());
  }

  top(): Item {
    return settled(this.#stack.at(-1));
  }

  /** The uppermost item as it stands, a mark as well. */
  drop(): void {
    if (this.#stack.pop() === undefined) throw broken();
  }

  /** The unfinished object on top, if it is one. */
  unbuilt(): Unbuilt {
    const top = this.#stack.at(-1);
    if (!(top instanceof Unbuilt)) throw unreadable('its pickle builds something that is no data');
    return top;
  }

  popMark(): Item[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at === -1) throw broken();
    return this.#stack.splice(at).slice(1).map(settled);
  }

  value(): Python {
    return data(this.pop());
  }

  values(): Python[] {
    return this.popMark().map(data);
  }

  recall(index: number): void {
    const item = this.memo.get(index);
    if (item === undefined) throw unreadable('its pickle asks for what was never there');
    this.push(item);
  }

  /** Unfinished objects too: the memo must know what they become. */
  memoize(index: number): void {
    const top = this.#stack.at(-1);
    if (top === undefined || top === MARK) throw broken();
    this.memo.set(index, top);
  }
}

const broken = () => unreadable('its pickle is broken');

function settled(item: Item | typeof MARK | undefined): Item {
  if (item === undefined || item === MARK) throw broken();
  return item instanceof Unbuilt && item.uuid !== undefined ? item.uuid : item;
}

function data(item: Item): Python {
  if (!isData(item)) throw unreadable('its pickle holds something that is no data');
  return item;
}

type Step = (machine: Machine) => void;

const STOP = '.'.charCodeAt(0);

/** Every opcode there is for us. INST, OBJ, PERSID, EXT, NEWOBJ_EX and the buffers are not among them. */
const STEPS: ReadonlyMap<number, Step> = new Map<number, Step>([
  // The frame of the whole
  [0x80, ({ input }) => demand(input.byte() <= 5)],
  [0x95, ({ input }) => demand(input.count(8) <= input.left)],
  // None, true and false
  [op('N'), (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  // Ints
  [op('I'), (m) => m.push(intOrBool(m.input.line().toString('latin1')))],
  [op('L'), (m) => m.push(intOf(m.input.line().toString('latin1').replace(/L$/, '')))],
  [op('J'), (m) => m.push(m.input.take(4).readInt32LE())],
  [op('K'), (m) => m.push(m.input.count(1))],
  [op('M'), (m) => m.push(m.input.count(2))],
  [0x8a, (m) => m.push(longOf(m.input.take(m.input.count(1))))],
  [0x8b, (m) => m.push(longOf(m.input.take(m.input.count(4))))],
  // Floats
  [op('F'), (m) => m.push(floatOf(m.input.line().toString('latin1')))],
  [op('G'), (m) => m.push(new Float(m.input.take(8).readDoubleBE()))],
  // Text
  [op('V'), (m) => m.push(readRawUnicode(m.input.line()))],
  [0x8c, (m) => m.push(readText(m.input.take(m.input.count(1))))],
  [op('X'), (m) => m.push(readText(m.input.take(m.input.count(4))))],
  [0x8d, (m) => m.push(readText(m.input.take(m.input.count(8))))],
  // `str` of Python 2
  [op('S'), (m) => m.push(readQuoted(m.input.line()))],
  [op('U'), (m) => m.push(readNativeString(m.input.take(m.input.count(1))))],
  [op('T'), (m) => m.push(readNativeString(m.input.take(m.input.count(4))))],
  // Bytes
  [op('C'), (m) => m.push(new Uint8Array(m.input.take(m.input.count(1))))],
  [op('B'), (m) => m.push(new Uint8Array(m.input.take(m.input.count(4))))],
  [0x8e, (m) => m.push(new Uint8Array(m.input.take(m.input.count(8))))],
  [0x96, (m) => m.push(new ByteArray(new Uint8Array(m.input.take(m.input.count(8)))))],
  // Lists
  [op(']'), (m) => m.push([])],
  [op('l'), (m) => m.push(m.values())],
  [op('a'), (m) => append(m, [m.value()])],
  [op('e'), (m) => append(m, m.values())],
  // Tuples
  [op(')'), (m) => m.push(new Tuple([]))],
  [0x85, (m) => m.push(tupleOf([m.pop()]))],
  [0x86, (m) => m.push(tupleOf([m.pop(), m.pop()].reverse()))],
  [0x87, (m) => m.push(tupleOf([m.pop(), m.pop(), m.pop()].reverse()))],
  [op('t'), (m) => m.push(tupleOf(m.popMark()))],
  // Dicts
  [op('}'), (m) => m.push(new Dict())],
  [op('d'), (m) => m.push(setItems(new Dict(), m.values()))],
  [op('s'), (m) => setItem(m, [m.value(), m.value()].reverse())],
  [op('u'), (m) => setItem(m, m.values())],
  // Sets
  [0x8f, (m) => m.push(new PythonSet([], false))],
  [0x90, addItems],
  [0x91, (m) => m.push(hashed(() => new PythonSet(m.values(), true), unreadableKey))],
  // The stack and the memo
  [op('('), (m) => m.mark()],
  [op('0'), (m) => m.drop()],
  [op('1'), (m) => void m.popMark()],
  [op('2'), (m) => m.push(m.top())],
  [op('p'), (m) => m.memoize(indexOf(m))],
  [op('q'), (m) => m.memoize(m.input.count(1))],
  [op('r'), (m) => m.memoize(m.input.count(4))],
  [0x94, (m) => m.memoize(m.memo.size)],
  [op('g'), (m) => m.recall(indexOf(m))],
  [op('h'), (m) => m.recall(m.input.count(1))],
  [op('j'), (m) => m.recall(m.input.count(4))],
  // The names of the table, and what they make
  [op('c'), (m) => m.push(globalOf(m.input.line().toString('latin1'), m.input.line().toString('latin1')))],
  [0x93, (m) => m.push(named(...([m.pop(), m.pop()] as const)))],
  [op('R'), call],
  [0x81, call],
  [op('b'), build],
]);

function op(letter: string): number {
  return letter.charCodeAt(0);
}

function demand(holds: boolean): void {
  if (!holds) throw broken();
}

function indexOf({ input }: Machine): number {
  const text = input.line().toString('latin1');
  demand(/^\d{1,10}$/.test(text));
  return Number(text);
}

function intOrBool(text: string): Python {
  if (text === '00' || text === '01') return text === '01';
  return intOf(text);
}

function intOf(text: string): Python {
  demand(/^-?\d+$/.test(text));
  return intOfText(text);
}

/** Two's complement, little-endian. */
function longOf(bytes: Buffer): Python {
  demand(bytes.length <= MAX_LONG_BYTES);
  if (bytes.length === 0) return 0;
  const hex = Buffer.from(bytes).reverse().toString('hex');
  const value = BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
  demand(isShort(value));
  return int(value);
}

const FLOAT_WORDS: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
]);

function floatOf(text: string): Float {
  const word = FLOAT_WORDS.get(text);
  if (word !== undefined) return new Float(word);
  demand(/^-?\d+(?:\.\d*)?(?:e[+-]?\d+)?$/.test(text));
  return new Float(Number(text));
}

function append(machine: Machine, items: readonly Python[]): void {
  const list = machine.top();
  if (!Array.isArray(list)) throw broken();
  for (const item of items) list.push(item);
}

function setItem(machine: Machine, items: readonly Python[]): void {
  setItems(machine.top(), items);
}

function setItems(dict: Item, items: readonly Python[]): Dict {
  if (!(dict instanceof Dict) || items.length % 2 === 1) throw broken();
  return hashed(() => {
    for (let i = 0; i < items.length; i += 2) dict.set(items[i]!, items[i + 1]!);
    return dict;
  }, unreadableKey);
}

function addItems(machine: Machine): void {
  const items = machine.values();
  const set = machine.top();
  if (!(set instanceof PythonSet) || set.frozen) throw broken();
  hashed(() => set.add(items), unreadableKey);
}

function named(name: Item, module: Item): Global {
  if (typeof name !== 'string' || typeof module !== 'string') throw broken();
  return globalOf(module, name);
}

function build(machine: Machine): void {
  const state = machine.pop();
  machine.unbuilt().build(state);
}

function call(machine: Machine): void {
  const args = machine.pop();
  const what = machine.pop();
  if (!(args instanceof Tuple || args instanceof Arguments)) throw broken();
  if (typeof what !== 'object' || what === null || !('kind' in what))
    throw unreadable('its pickle calls something that is no name');
  machine.push(hashed(() => what.call(args.items), unreadableKey));
}
