/**
 * Python's values as JavaScript holds them, so that what Node does not touch goes back as it came: a tuple stays a tuple,
 * 1.0 stays 1.0.
 *
 * None is null, an int is a number (a bigint beyond 2^53), a list is an array, bytes are a Uint8Array; whatever JavaScript has
 * no word for is a small class. A dict keeps its order and any key that Python could hash, and its text keys are data, whatever they
 * are called: nothing here ever becomes a property of an object. Every reader of this folder makes these values, every writer takes them.
 *
 * Rejected: plain objects with markers (a visitor's own data could look like one); one class for every number (most are ints).
 */

export type Python =
  | null
  | boolean
  | string
  /** An int within 2^53. */
  | number
  /** An int beyond. */
  | bigint
  | Python[]
  /** bytes */
  | Uint8Array
  | Float
  | ByteArray
  | Tuple
  | Dict
  | PythonSet
  | Uuid
  | Markup
  | Decimal
  | DateTime
  | CalendarDate
  | TimeDelta;

export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class ByteArray {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

export class Tuple {
  readonly items: readonly Python[];
  constructor(items: readonly Python[]) {
    this.items = items;
  }
}

export class PythonSet {
  readonly #items = new Map<string, Python>();
  readonly frozen: boolean;

  /** Throws Unhashable for an item that Python would refuse. */
  constructor(items: readonly Python[], frozen: boolean) {
    this.frozen = frozen;
    this.add(items);
  }

  get items(): readonly Python[] {
    return [...this.#items.values()];
  }

  add(items: readonly Python[]): void {
    for (const item of items) this.#items.set(keyText(item), item);
  }
}

export class Uuid {
  /** 32 digits, lower case. */
  readonly hex: string;
  constructor(hex: string) {
    this.hex = hex;
  }
  toString(): string {
    return this.hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }
}

/** Text that needs no escaping in a page, as MarkupSafe has it. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export class Decimal {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export class TimeDelta {
  readonly days: number;
  /** 0 to 86399 */
  readonly seconds: number;
  /** 0 to 999999 */
  readonly microseconds: number;
  constructor(days: number, seconds: number, microseconds: number) {
    this.days = days;
    this.seconds = seconds;
    this.microseconds = microseconds;
  }
}

/** The offset of a timezone that has a name, as `datetime.now().astimezone()` makes it. */
export class NamedOffset extends TimeDelta {
  readonly name: string;
  constructor({ days, seconds, microseconds }: TimeDelta, name: string) {
    super(days, seconds, microseconds);
    this.name = name;
  }
}

export class CalendarDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  constructor(year: number, month: number, day: number) {
    this.year = year;
    this.month = month;
    this.day = day;
  }
  toString(): string {
    return `${digits(this.year, 4)}-${digits(this.month, 2)}-${digits(this.day, 2)}`;
  }
}

export interface ClockTime {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly microsecond: number;
  /** The second of two equal wall clock times, when clocks were set back. */
  readonly fold: boolean;
}

export class DateTime {
  readonly date: CalendarDate;
  readonly time: ClockTime;
  /** Distance from UTC; null is a naive datetime, which says nothing about where. */
  readonly offset: TimeDelta | null;
  constructor(date: CalendarDate, time: ClockTime, offset: TimeDelta | null) {
    this.date = date;
    this.time = time;
    this.offset = offset;
  }

  /** An aware datetime in UTC. */
  static utc(epochSeconds: number, microsecond: number = 0): DateTime {
    const at = new Date(epochSeconds * 1000);
    const date = new CalendarDate(at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate());
    const [hour, minute, second] = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()];
    return new DateTime(date, { hour, minute, second, microsecond, fold: false }, UTC);
  }

  /** Whole seconds since 1970; a naive one is taken as UTC, as Flask does. */
  get epochSeconds(): number {
    const { date, time, offset } = this;
    const at = new Date(0);
    at.setUTCFullYear(date.year, date.month - 1, date.day);
    at.setUTCHours(time.hour, time.minute, time.second);
    const away = offset === null ? 0 : offset.days * 86_400 + offset.seconds;
    return Math.floor(at.getTime() / 1000) - away;
  }

  /** As Python's `isoformat()`. */
  toString(): string {
    const { date, time, offset } = this;
    const clock = [time.hour, time.minute, time.second].map((part) => digits(part, 2)).join(':');
    const micro = time.microsecond === 0 ? '' : `.${digits(time.microsecond, 6)}`;
    return `${date}T${clock}${micro}${offset === null ? '' : offsetText(offset)}`;
  }
}

export const UTC: TimeDelta = new TimeDelta(0, 0, 0);

/** A dict: order kept, a later value for an equal key takes the place of the earlier one. */
export class Dict {
  readonly #entries = new Map<string, readonly [key: Python, value: Python]>();

  static of(entries: Iterable<readonly [Python, Python]>): Dict {
    const dict = new Dict();
    for (const [key, value] of entries) dict.set(key, value);
    return dict;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Python): Python | undefined {
    return this.#entries.get(keyText(key))?.[1];
  }

  has(key: Python): boolean {
    return this.#entries.has(keyText(key));
  }

  /** Throws Unhashable for a key that Python would refuse. */
  set(key: Python, value: Python): void {
    const text = keyText(key);
    // The first of two equal keys stays, as in Python: {1: 'a', True: 'b'} is {1: 'b'}. Markup, as a key, is the text it is equal to.
    const first = this.#entries.get(text)?.[0] ?? (key instanceof Markup ? key.text : key);
    this.#entries.set(text, [first, value]);
  }

  delete(key: Python): void {
    this.#entries.delete(keyText(key));
  }

  copy(): Dict {
    return Dict.of(this.entries());
  }

  entries(): IterableIterator<readonly [key: Python, value: Python]> {
    return this.#entries.values();
  }
}

/** A list, a dict, a set: Python has no hash for what can change. Also a key that is absurdly long. */
export class Unhashable extends Error {}

/** Runs what puts keys somewhere. What comes of `refused` is thrown for a key that has no place there. */
export function hashed<T>(run: () => T, refused: () => Error): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof Unhashable ? refused() : error;
  }
}

/** Characters of a key, and parts of a tuple that is one. Keys are looked at again and again, and somebody else may have made them. */
const MAX_KEY = 4096;
const MAX_KEY_PARTS = 64;

/** Equal for keys that Python holds equal: 1, 1.0 and True are one key. Texts are their own, but for those that look like another key. */
function keyText(key: Python): string {
  if (key instanceof Markup) return keyText(key.text);
  if (typeof key === 'string' && key.length <= MAX_KEY) return key.startsWith(OTHER) ? `${OTHER}s${key}` : key;
  const text = OTHER + otherKey(key, { left: MAX_KEY_PARTS });
  if (text.length > MAX_KEY) throw new Unhashable();
  return text;
}

const OTHER = '\0';

function otherKey(key: Python, parts: { left: number }): string {
  if (parts.left-- === 0 || (key instanceof Uint8Array && key.length > MAX_KEY)) throw new Unhashable();
  if (key === null) return 'n';
  if (typeof key === 'string') return `s${key}`;
  if (typeof key === 'boolean' || typeof key === 'number' || typeof key === 'bigint') return `i${BigInt(key)}`;
  if (key instanceof Float) return Number.isInteger(key.value) ? `i${BigInt(key.value)}` : `r${key.value}`;
  if (key instanceof Uint8Array) return `b${Buffer.from(key).toString('latin1')}`;
  if (key instanceof Tuple) return `t${JSON.stringify(key.items.map((item) => otherKey(item, parts)))}`;
  if (key instanceof Uuid) return `u${key.hex}`;
  if (key instanceof Markup) return `s${key.text}`;
  if (key instanceof Decimal) return `d${key.text}`;
  if (key instanceof DateTime || key instanceof CalendarDate) return `a${key}`;
  if (key instanceof TimeDelta) return `e${key.days},${key.seconds},${key.microseconds}`;
  if (key instanceof PythonSet && key.frozen)
    return `f${JSON.stringify(key.items.map((item) => otherKey(item, parts)).sort())}`;
  throw new Unhashable();
}

function offsetText({ days, seconds, microseconds }: TimeDelta): string {
  const total = days * 86_400 + seconds;
  const away = Math.abs(total);
  const parts = [Math.floor(away / 3600), Math.floor(away / 60) % 60].map((part) => digits(part, 2)).join(':');
  const second = away % 60 === 0 && microseconds === 0 ? '' : `:${digits(away % 60, 2)}`;
  return `${total < 0 ? '-' : '+'}${parts}${second}`;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}
