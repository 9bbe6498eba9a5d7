/**
 * The few names that a pickle of a session may mention, and what becomes of each. Nothing is imported, called or looked up: a name is a
 * key of a table, and behind it stands a function of ours that checks its arguments and returns data.
 *
 * Everything that is not in the table is refused: the pickle is read to its first foreign name and no further.
 */
import { MAX_DIGITS, unreadable } from './bounds.js';
import {
  ByteArray,
  CalendarDate,
  DateTime,
  Decimal,
  Dict,
  Markup,
  NamedOffset,
  type Python,
  PythonSet,
  TimeDelta,
  Tuple,
  Uuid,
} from './python.js';

/** A name of the table. */
export interface Global {
  readonly kind: 'global';
  /** `name(*args)`, and `name.__new__(name, *args)`. */
  readonly call: (args: readonly Item[]) => Item;
}

/** A UUID that has been made and not yet been told its number. */
export class Unbuilt {
  uuid: Uuid | undefined;

  build(state: Item): void {
    const number = state instanceof Dict && this.uuid === undefined ? state.get('int') : undefined;
    const value = typeof number === 'number' || typeof number === 'bigint' ? BigInt(number) : -1n;
    const others = state instanceof Dict ? [...state.entries()].filter(([key]) => key !== 'int') : [];
    const isSafe = others.every(([key, safe]) => key === 'is_safe' && (safe === -1 || safe === 0));
    if (value < 0n || value >= 1n << 128n || !isSafe) throw refused();
    this.uuid = new Uuid(value.toString(16).padStart(32, '0'));
  }
}

/** `datetime.timezone` */
export class Zone {
  readonly offset: TimeDelta;
  constructor(offset: TimeDelta) {
    this.offset = offset;
  }
}

/** A tuple that holds something besides data: the arguments of a call. */
export class Arguments {
  readonly items: readonly Item[];
  constructor(items: readonly Item[]) {
    this.items = items;
  }
}

export type Item = Python | Global | Unbuilt | Zone | Arguments;

/** SOJOURN_CORRUPT for every name that is not in the table. */
export function globalOf(module: string, name: string): Global {
  const found = TABLE.get(`${module} ${name}`);
  if (found === undefined) throw unreadable('its pickle names something that is no data');
  return found;
}

const refused = () => unreadable('its pickle calls something with the wrong arguments');

function global(call: (args: readonly Item[]) => Item): Global {
  return { kind: 'global', call };
}

const OBJECT = global(() => {
  throw refused();
});
const UNICODE = OBJECT;
const MARKUP = global((args) => new Markup(only(args, isText)));
const UUID = global((args) => {
  if (args.length > 0) throw refused();
  return new Unbuilt();
});
const BYTES = global((args) => {
  if (args.length > 0) throw refused();
  return new Uint8Array(0);
});
const BYTEARRAY = global((args) => {
  if (args.length === 0) return new ByteArray(new Uint8Array(0));
  if (args.length === 2 && isText(args[0]!) && isLatin1(args[1]!)) return new ByteArray(latin1(args[0]));
  return new ByteArray(only(args, isBytes));
});
/** How protocols 0 to 2 write bytes: as text of Latin-1. */
const ENCODE = global((args) => {
  const [text, encoding] = args;
  if (args.length !== 2 || !isText(text!) || !isLatin1(encoding!)) throw refused();
  return latin1(text);
});
const SET = global((args) => new PythonSet(args.length === 0 ? [] : only(args, isList), false));
const FROZENSET = global((args) => new PythonSet(args.length === 0 ? [] : only(args, isList), true));
const DECIMAL = global((args) => new Decimal(checkedDecimal(only(args, isText))));
/** How protocols 0 and 1 make objects: of which class, on which built-in, from what. */
const RECONSTRUCTOR = global((args) => {
  const [of, base, state] = args;
  if (args.length === 3 && of === MARKUP && base === UNICODE && isText(state!)) return new Markup(state);
  if (args.length === 3 && of === UUID && base === OBJECT && state === null) return new Unbuilt();
  throw refused();
});
const TIMEDELTA = global((args) => {
  const [days = 0, seconds = 0, microseconds = 0] = args;
  const isGood = within(days, -999_999_999, 999_999_999) && within(seconds, 0, 86_399);
  if (args.length > 3 || !isGood || !within(microseconds, 0, 999_999)) throw refused();
  return new TimeDelta(days, seconds, microseconds);
});
const TIMEZONE = global((args) => {
  const [offset, name] = args;
  const isGood = offset instanceof TimeDelta && (offset.days === 0 || (offset.days === -1 && offset.seconds > 0));
  if (!isGood || offset.microseconds !== 0) throw refused();
  if (args.length === 1) return new Zone(offset);
  if (args.length !== 2 || !isText(name!)) throw refused();
  return new Zone(new NamedOffset(offset, name));
});
const DATE = global((args) => dateOf(stateOf(args), 4));
const DATETIME = global((args) => {
  const [, zone] = args;
  const state = stateOf(args.slice(0, 1));
  if (state.length !== 10 || args.length > 2) throw refused();
  if (args.length === 2 && !(zone instanceof Zone)) throw refused();
  const [, , month = 0, , hour = 0, minute = 0, second = 0, high = 0, middle = 0, low = 0] = state;
  const microsecond = high * 65_536 + middle * 256 + low;
  if (hour > 23 || minute > 59 || second > 59 || microsecond > 999_999) throw refused();
  const date = dateOf(
    state.map((byte, i) => (i === 2 ? byte & 0x7f : byte)),
    10,
  );
  const offset = zone instanceof Zone ? zone.offset : null;
  return new DateTime(date, { hour, minute, second, microsecond, fold: month > 0x7f }, offset);
});

const BUILTINS: readonly (readonly [string, Global])[] = [
  ['set', SET],
  ['frozenset', FROZENSET],
  ['bytes', BYTES],
  ['bytearray', BYTEARRAY],
  ['object', OBJECT],
];

const TABLE: ReadonlyMap<string, Global> = new Map([
  ...BUILTINS.map(([name, what]) => [`builtins ${name}`, what] as const),
  ...BUILTINS.map(([name, what]) => [`__builtin__ ${name}`, what] as const),
  ['__builtin__ unicode', UNICODE],
  ['builtins str', UNICODE],
  ['_codecs encode', ENCODE],
  ['copy_reg _reconstructor', RECONSTRUCTOR],
  ['copyreg _reconstructor', RECONSTRUCTOR],
  ['datetime datetime', DATETIME],
  ['datetime date', DATE],
  ['datetime timedelta', TIMEDELTA],
  ['datetime timezone', TIMEZONE],
  ['decimal Decimal', DECIMAL],
  ['uuid UUID', UUID],
  ['markupsafe Markup', MARKUP],
]);

function only<T extends Item>(args: readonly Item[], is: (item: Item) => item is T): T {
  const [first] = args;
  if (args.length !== 1 || !is(first!)) throw refused();
  return first;
}

function isText(item: Item): item is string {
  return typeof item === 'string';
}

function isBytes(item: Item): item is Uint8Array {
  return item instanceof Uint8Array;
}

/** Python 2 has one word for bytes and text: a date before 1920 is all ASCII there. */
function stateOf(args: readonly Item[]): Uint8Array {
  const [state] = args;
  return isText(state!) ? Buffer.from(state, 'utf8') : only(args, isBytes);
}

function isList(item: Item): item is Python[] {
  return Array.isArray(item);
}

function isLatin1(item: Item): boolean {
  return item === 'latin1' || item === 'latin-1';
}

function latin1(text: string): Uint8Array {
  if (!/^[\0-\xff]*$/.test(text)) throw refused();
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

function within(item: Item, min: number, max: number): item is number {
  return typeof item === 'number' && item >= min && item <= max;
}

function checkedDecimal(text: string): string {
  const isNumber =
    /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,19})?$/.test(text) || /^-?(?:Infinity|s?NaN\d*)$/.test(text);
  if (text.length > MAX_DIGITS || !isNumber) throw refused();
  return text;
}

function dateOf(state: Uint8Array, length: number): CalendarDate {
  const [high = 0, low = 0, month = 0, day = 0] = state;
  const year = high * 256 + low;
  const isReal = year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
  if (state.length !== length || !isReal) throw refused();
  return new CalendarDate(year, month, day);
}

function daysIn(year: number, month: number): number {
  const last = new Date(0);
  last.setUTCFullYear(year, month, 0);
  return last.getUTCDate();
}

/** What can stand in a list, a dict or a set. */
export function isData(item: Item): item is Python {
  if (typeof item !== 'object' || item === null) return true;
  return !(item instanceof Unbuilt || item instanceof Zone || item instanceof Arguments || 'kind' in item);
}

export function tupleOf(items: readonly Item[]): Tuple | Arguments {
  return items.every(isData) ? new Tuple(items) : new Arguments(items);
}
