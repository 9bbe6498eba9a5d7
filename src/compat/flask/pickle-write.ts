/**
 * Writes a pickle that Python reads as the same value, types included.
 *
 * Protocol 4 for Python 3.4 and later; 2, which Python 2 can read as well; 0, all ASCII, as Flask-Session before 0.6 puts it into
 * memcached. No memo and no frames: Python needs neither, and its own bytes depend on which objects happen to be the same one, so
 * that equal bytes are out of reach anyway. Protocols 0 and 2 use the names of Python 2, which Python 3 translates when it reads.
 */
import {
  ByteArray,
  CalendarDate,
  type DateTime,
  Decimal,
  Dict,
  Float,
  Markup,
  NamedOffset,
  type Python,
  PythonSet,
  TimeDelta,
  Tuple,
  Uuid,
} from './python.js';
import { demandShort, floatText } from './python-numbers.js';
import { demandWritable } from './size.js';

export type Protocol = 0 | 2 | 4;

/** SOJOURN_VALUE for what contains itself, for ints of thousands of digits, and for what no reader of ours would take back. */
export function writePickle(dict: Dict, protocol: Protocol): Buffer {
  demandWritable(dict);
  const writer = protocol === 0 ? new TextWriter() : new BinaryWriter(protocol);
  writer.value(dict);
  return writer.end();
}

/** What the protocols have in common: in which order the parts of a value come. */
abstract class Writer {
  readonly #parts: Buffer[] = [];

  end(): Buffer {
    return Buffer.concat([...this.#parts, Buffer.from('.')]);
  }

  value(value: Python): void {
    if (value === null) this.op('N');
    else if (typeof value === 'boolean') this.bool(value);
    else if (typeof value === 'number') this.int(BigInt(value));
    else if (typeof value === 'bigint') this.bigInt(value);
    else if (typeof value === 'string') this.text(value);
    else if (Array.isArray(value)) this.list(value);
    else if (value instanceof Dict) this.dict([...value.entries()]);
    else if (value instanceof Tuple) this.tuple(value.items.map((item) => () => this.value(item)));
    else if (value instanceof Float) this.float(value.value);
    else if (value instanceof Uint8Array) this.bytes(value);
    else this.object(value);
  }

  private bigInt(value: bigint): void {
    demandShort(value, '');
    this.int(value);
  }

  protected op(letter: string | number, ...parts: readonly Uint8Array[]): void {
    this.#parts.push(typeof letter === 'number' ? Buffer.from([letter]) : Buffer.from(letter, 'latin1'));
    for (const part of parts) this.#parts.push(Buffer.from(part));
  }

  protected abstract bool(value: boolean): void;
  protected abstract int(value: bigint): void;
  protected abstract float(value: number): void;
  protected abstract text(text: string): void;
  protected abstract bytes(bytes: Uint8Array): void;
  protected abstract list(items: readonly Python[]): void;
  protected abstract dict(entries: readonly (readonly [Python, Python])[]): void;
  protected abstract tuple(items: readonly (() => void)[]): void;
  protected abstract name(module: string, name: string): void;
  protected abstract set(set: PythonSet): void;
  protected abstract markup(text: string): void;
  protected abstract uuid(number: bigint): void;
  protected abstract byteArray(bytes: Uint8Array): void;

  /** `name(*args)` */
  call(module: string, name: string, args: readonly (() => void)[]): void {
    this.name(module, name);
    this.tuple(args);
    this.op('R');
  }

  private object(value: ByteArray | PythonSet | Uuid | Markup | Decimal | DateTime | CalendarDate | TimeDelta): void {
    if (value instanceof PythonSet) this.set(value);
    else if (value instanceof Markup) this.markup(value.text);
    else if (value instanceof Uuid) this.uuid(BigInt(`0x${value.hex}`));
    else if (value instanceof ByteArray) this.byteArray(value.bytes);
    else if (value instanceof Decimal) this.call('decimal', 'Decimal', [() => this.text(value.text)]);
    else if (value instanceof CalendarDate) this.call('datetime', 'date', [() => this.bytes(dateState(value))]);
    else if (value instanceof TimeDelta) this.timeDelta(value);
    else this.dateTime(value);
  }

  private timeDelta({ days, seconds, microseconds }: TimeDelta): void {
    const parts = [days, seconds, microseconds].map((part) => () => this.int(BigInt(part)));
    this.call('datetime', 'timedelta', parts);
  }

  private dateTime({ date, time, offset }: DateTime): void {
    const { hour, minute, second, microsecond, fold } = time;
    const state = Buffer.concat([dateState(date), Buffer.from([hour, minute, second, 0, 0, 0])]);
    state.writeUIntBE(microsecond, 7, 3);
    if (fold) state[2]! |= 0x80;
    const zone = offset === null ? [] : [() => this.zone(offset)];
    this.call('datetime', 'datetime', [() => this.bytes(state), ...zone]);
  }

  private zone(offset: TimeDelta): void {
    const name = offset instanceof NamedOffset ? [() => this.text(offset.name)] : [];
    this.call('datetime', 'timezone', [() => this.timeDelta(offset), ...name]);
  }
}

function dateState({ year, month, day }: CalendarDate): Buffer {
  return Buffer.from([year >> 8, year & 0xff, month, day]);
}

/** Protocols 2 and 4. */
class BinaryWriter extends Writer {
  readonly #isOld: boolean;

  constructor(protocol: 2 | 4) {
    super();
    this.#isOld = protocol === 2;
    this.op(0x80, Buffer.from([protocol]));
  }

  protected bool(value: boolean): void {
    this.op(value ? 0x88 : 0x89);
  }

  protected int(value: bigint): void {
    if (value >= 0n && value < 0x100n) this.op('K', Buffer.from([Number(value)]));
    else if (value >= 0n && value < 0x10000n) this.op('M', counted(2, Number(value)));
    else if (value >= -0x80000000n && value < 0x80000000n) {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(Number(value));
      this.op('J', bytes);
    } else {
      const bytes = twosComplement(value);
      if (bytes.length < 0x100) this.op(0x8a, counted(1, bytes.length), bytes);
      else this.op(0x8b, counted(4, bytes.length), bytes);
    }
  }

  protected float(value: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    this.op('G', bytes);
  }

  protected text(text: string): void {
    const bytes = utf8(text);
    if (bytes.length < 0x100 && !this.#isOld) this.op(0x8c, counted(1, bytes.length), bytes);
    else this.op('X', counted(4, bytes.length), bytes);
  }

  protected bytes(bytes: Uint8Array): void {
    if (this.#isOld) encoded(this, bytes);
    else if (bytes.length < 0x100) this.op('C', counted(1, bytes.length), bytes);
    else this.op('B', counted(4, bytes.length), bytes);
  }

  protected list(items: readonly Python[]): void {
    this.op(']');
    if (items.length === 0) return;
    this.op('(');
    for (const item of items) this.value(item);
    this.op('e');
  }

  protected dict(entries: readonly (readonly [Python, Python])[]): void {
    this.op('}');
    if (entries.length === 0) return;
    this.op('(');
    for (const [key, value] of entries) {
      this.value(key);
      this.value(value);
    }
    this.op('u');
  }

  protected tuple(items: readonly (() => void)[]): void {
    if (items.length > 3) this.op('(');
    for (const item of items) item();
    if (items.length === 0) this.op(')');
    else this.op(items.length > 3 ? 't' : 0x84 + items.length);
  }

  protected name(module: string, name: string): void {
    if (this.#isOld) this.op(`c${module}\n${name}\n`);
    else {
      this.text(NEW_NAMES.get(module) ?? module);
      this.text(name);
      this.op(0x93);
    }
  }

  protected set(set: PythonSet): void {
    if (this.#isOld) this.call('__builtin__', set.frozen ? 'frozenset' : 'set', [() => this.list(set.items)]);
    else this.newSet(set);
  }

  private newSet({ items, frozen }: PythonSet): void {
    if (!frozen) this.op(0x8f);
    if (items.length === 0 && !frozen) return;
    this.op('(');
    for (const item of items) this.value(item);
    this.op(frozen ? 0x91 : 0x90);
  }

  protected markup(text: string): void {
    this.name('markupsafe', 'Markup');
    this.tuple([() => this.text(text)]);
    this.op(0x81);
  }

  protected uuid(number: bigint): void {
    this.name('uuid', 'UUID');
    this.op(')');
    this.op(0x81);
    this.dict([['int', number]]);
    this.op('b');
  }

  protected byteArray(bytes: Uint8Array): void {
    const args = this.#isOld ? latin1Arguments(this, bytes) : [() => this.bytes(bytes)];
    this.call('__builtin__', 'bytearray', args);
  }
}

/** Protocol 0: lines of ASCII. */
class TextWriter extends Writer {
  protected bool(value: boolean): void {
    this.op(value ? 'I01\n' : 'I00\n');
  }

  protected int(value: bigint): void {
    const isLong = value < -0x80000000n || value > 0x7fffffffn;
    this.op(isLong ? `L${value}L\n` : `I${value}\n`);
  }

  protected float(value: number): void {
    const word = Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
    this.op(`F${Number.isFinite(value) ? floatText(value) : word}\n`);
  }

  protected text(text: string): void {
    let escaped = '';
    for (const letter of text) escaped += /[ -[\]-~]/.test(letter) ? letter : rawEscape(letter);
    this.op(`V${escaped}\n`);
  }

  protected bytes(bytes: Uint8Array): void {
    encoded(this, bytes);
  }

  protected list(items: readonly Python[]): void {
    this.op('(l');
    for (const item of items) {
      this.value(item);
      this.op('a');
    }
  }

  protected dict(entries: readonly (readonly [Python, Python])[]): void {
    this.op('(d');
    for (const [key, value] of entries) {
      this.value(key);
      this.value(value);
      this.op('s');
    }
  }

  protected tuple(items: readonly (() => void)[]): void {
    this.op('(');
    for (const item of items) item();
    this.op('t');
  }

  protected name(module: string, name: string): void {
    this.op(`c${module}\n${name}\n`);
  }

  protected set({ items, frozen }: PythonSet): void {
    this.call('__builtin__', frozen ? 'frozenset' : 'set', [() => this.list(items)]);
  }

  protected markup(text: string): void {
    const name = (module: string, name: string) => () => this.name(module, name);
    this.call('copy_reg', '_reconstructor', [
      name('markupsafe', 'Markup'),
      name('__builtin__', 'unicode'),
      () => this.text(text),
    ]);
  }

  protected uuid(number: bigint): void {
    const name = (module: string, name: string) => () => this.name(module, name);
    this.call('copy_reg', '_reconstructor', [name('uuid', 'UUID'), name('__builtin__', 'object'), () => this.op('N')]);
    this.dict([['int', number]]);
    this.op('b');
  }

  protected byteArray(bytes: Uint8Array): void {
    this.call('__builtin__', 'bytearray', latin1Arguments(this, bytes));
  }
}

const NEW_NAMES: ReadonlyMap<string, string> = new Map([['__builtin__', 'builtins']]);

/** Bytes for protocols that have none: text of Latin-1, and a call that turns it back. */
function encoded(writer: Writer, bytes: Uint8Array): void {
  writer.call('_codecs', 'encode', latin1Arguments(writer, bytes));
}

function latin1Arguments(writer: Writer, bytes: Uint8Array): (() => void)[] {
  return [() => writer.value(Buffer.from(bytes).toString('latin1')), () => writer.value('latin1')];
}

function rawEscape(letter: string): string {
  const code = letter.codePointAt(0)!;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

function counted(size: number, count: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(count, 0, size);
  return bytes;
}

/** UTF-8, half a surrogate pair as the three bytes that Python's `surrogatepass` makes of it. */
function utf8(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8');
  const parts = [...text].map((letter) => {
    const code = letter.charCodeAt(0);
    if (letter.length === 2 || code < 0xd800 || code > 0xdfff) return Buffer.from(letter, 'utf8');
    return Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]);
  });
  return Buffer.concat(parts);
}

function twosComplement(value: bigint): Buffer {
  const magnitude = (value < 0n ? -value - 1n : value).toString(16);
  const size = Math.floor((magnitude.length * 4 + 8) / 8);
  const bits = BigInt.asUintN(size * 8, value);
  const bytes = Buffer.from(bits.toString(16).padStart(size * 2, '0'), 'hex').reverse();
  return bytes;
}
