/**
 * The careful writer of typed JSON: writes tags, and knows where it is when it must refuse.
 *
 * It goes through the value once and reads every property once, so a getter cannot show one thing to the check and another
 * to the text. Only own, enumerable data counts; what else an object carries (hidden properties, symbols, a class) would be
 * lost without a word, and is refused instead. Shared references are written twice and come back as copies.
 *
 * The way from the root to here is kept as steps, and becomes a path only for an error. Depth is bounded before the stack is.
 */
import { types } from 'node:util';
import { failure, type SojournError } from '../errors.js';
import { pathOf, type Step } from './json-path.js';
import { strangerProblem } from './json-refusal.js';
import { CONTAINER, isJsonNumber, isTagLike, MAX_BIGINT_DIGITS, MAX_SIZE } from './json-rules.js';

/** The text of a value. Throws SOJOURN_VALUE, with the cause if reading the value threw. */
export function written(value: unknown, maxDepth: number): string {
  return new Writer(maxDepth).text(value);
}

const BIGINT_BOUND = 10n ** BigInt(MAX_BIGINT_DIGITS);

class Writer {
  readonly #maxDepth: number;
  /** The way to the value at hand, and the containers on it. */
  readonly #steps: Step[] = [];
  readonly #open: object[] = [];
  #budget = MAX_SIZE;
  #refusal: SojournError | undefined;

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  text(value: unknown): string {
    try {
      return this.#value(value);
    } catch (error) {
      throw error === this.#refusal ? error : this.#refused('reading it threw an error', error);
    }
  }

  #value(value: unknown): string {
    switch (typeof value) {
      case 'string':
        this.#spend(value.length);
        // Also writes a lone surrogate as an escape, so that UTF-8 does not turn it into U+FFFD.
        return JSON.stringify(value);
      case 'number':
        return isJsonNumber(value) ? String(value) : tagged('$number', JSON.stringify(numberName(value)));
      case 'boolean':
        return String(value);
      case 'undefined':
        return tagged('$undefined', 'true');
      case 'bigint':
        return this.#bigint(value);
      case 'object':
        return value === null ? 'null' : this.#object(value);
      default:
        throw this.#refused(`a ${typeof value} is not data`);
    }
  }

  #object(value: object): string {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (Array.isArray(value) && prototype === Array.prototype) return this.#inside(value, () => this.#array(value));
    if (prototype === Object.prototype) return this.#inside(value, () => this.#plain(value));
    if (prototype === null) return this.#inside(value, () => tagged('$bare', this.#plain(value)));
    if (types.isMap(value) && prototype === Map.prototype) return this.#inside(value, () => this.#map(value));
    if (types.isSet(value) && prototype === Set.prototype) return this.#inside(value, () => this.#set(value));
    if (types.isDate(value) && prototype === Date.prototype) return this.#date(value);
    if (types.isUint8Array(value)) {
      if (prototype === Buffer.prototype) return this.#bytes('$buffer', value);
      if (prototype === Uint8Array.prototype) return this.#bytes('$bytes', value);
    }
    throw this.#refused(strangerProblem(value));
  }

  /** Opens a container, unless it is open already or one too many. */
  #inside(value: object, write: () => string): string {
    if (this.#open.includes(value)) throw this.#refused('it contains itself');
    if (this.#open.length === this.#maxDepth) {
      throw this.#refused(`it is nested more than ${this.#maxDepth} levels deep`);
    }
    this.#spend(CONTAINER);
    this.#open.push(value);
    const text = write();
    this.#open.pop();
    return text;
  }

  #array(value: readonly unknown[]): string {
    const keys = this.#ownKeys(value);
    for (let i = 0; i < value.length; i++) {
      // Elements come first among own keys, in order: the first that is missing is a hole.
      if (keys[i] !== String(i)) throw this.#refused(`it has a hole at index ${i}; write null instead`);
    }
    if (keys.length > value.length) throw this.#refused('it is an array with properties besides its elements');
    return `[${value.map((item, i) => this.#at(i, item)).join()}]`;
  }

  #plain(value: object): string {
    const keys = this.#ownKeys(value);
    const dollar = keys.length === 1 && isTagLike(keys[0]!) ? '$' : '';
    const members = keys.map((key) => {
      if (key === '__proto__') throw this.#refused('a key named __proto__ could change a prototype');
      this.#spend(key.length);
      return `${JSON.stringify(dollar + key)}:${this.#at(key, (value as Record<string, unknown>)[key])}`;
    });
    return `{${members.join()}}`;
  }

  #map(value: ReadonlyMap<unknown, unknown>): string {
    this.#bareOf(value, 'Map');
    const entries = Array.from(
      value,
      ([key, item], at) => `[${this.#at({ list: 'keys', at }, key)},${this.#at({ list: 'values', at }, item)}]`,
    );
    return tagged('$map', `[${entries.join()}]`);
  }

  #set(value: ReadonlySet<unknown>): string {
    this.#bareOf(value, 'Set');
    return tagged('$set', `[${Array.from(value, (item, at) => this.#at({ list: 'values', at }, item)).join()}]`);
  }

  #date(value: Date): string {
    this.#bareOf(value, 'Date');
    // Called by prototype: what is written is the Date's own time, whatever it pretends.
    const time = Date.prototype.getTime.call(value);
    if (Number.isNaN(time)) throw this.#refused('it is an invalid Date');
    return tagged('$date', JSON.stringify(new Date(time).toISOString()));
  }

  #bytes(tag: string, value: Uint8Array): string {
    this.#spend(value.length);
    return tagged(tag, `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`);
  }

  #bigint(value: bigint): string {
    if (value >= BIGINT_BOUND || value <= -BIGINT_BOUND) {
      throw this.#refused(`it is a BigInt of more than ${MAX_BIGINT_DIGITS} digits`);
    }
    return tagged('$bigint', `"${value}"`);
  }

  /** One step further in. */
  #at(step: Step, value: unknown): string {
    this.#spend(1);
    this.#steps.push(step);
    const text = this.#value(value);
    this.#steps.pop();
    return text;
  }

  /** The keys that count, after refusing an object that has others. */
  #ownKeys(value: object): string[] {
    const keys = Object.keys(value);
    const hidden = Reflect.ownKeys(value).length - keys.length - (Array.isArray(value) ? 1 : 0);
    if (hidden !== 0) throw this.#refused('it has properties that are symbols or not enumerable');
    return keys;
  }

  /** Properties put onto a Map, Set or Date would be lost. (On bytes nobody looks: that would list every one of them.) */
  #bareOf(value: object, kind: string): void {
    if (Reflect.ownKeys(value).length > 0) throw this.#refused(`it is a ${kind} with properties of its own`);
  }

  #spend(amount: number): void {
    this.#budget -= amount;
    if (this.#budget < 0)
      throw this.#refused('it takes more than 4 MiB; references to one object are written each time');
  }

  #refused(problem: string, cause?: unknown): SojournError {
    this.#refusal = failure('SOJOURN_VALUE', { path: pathOf(this.#steps), problem }, cause);
    return this.#refusal;
  }
}

function tagged(tag: string, content: string): string {
  return `{"${tag}":${content}}`;
}

function numberName(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
