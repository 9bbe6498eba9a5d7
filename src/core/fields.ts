/**
 * The fields of one session while one request works on them.
 *
 * Nothing is decoded before it is read, and nothing leaves before `intents()` is asked for. A value is checked and encoded
 * when it is set, so that an error points at the line that caused it. Values that can change inside (objects) are encoded
 * once more at the end and compared: that finds `session.data.cart.push(...)`, costs less than the decoding that was
 * already paid, and needs no deep proxy. Rejected: a dirty flag that users must set (Flask's `modified`), a hash of the
 * whole session (fastify's), a clone to compare with.
 */
import type { Codec, Write } from '../contract.js';
import { failure, isFailure } from '../errors.js';
import { sameBytes } from './delta.js';
import { type Bytes, bytesOf, type Intent } from './intent.js';
import { checkFieldName, FieldBudget, type Limits, problemOfName } from './limits.js';

type Update = (current: unknown) => unknown;

/** One field that the request has touched. */
interface Entry {
  /** The bytes as loaded; null when the field was absent. */
  stored: Bytes;
  /** The bytes of `value` when it was last encoded or decoded. */
  bytes: Bytes;
  /** As the handler sees it; meaningless until `decoded`. */
  value: unknown;
  decoded: boolean;
  /** True once the handler may have built on what was stored. */
  seen: boolean;
  wish: 'none' | 'assign' | 'update' | 'take';
  updates: readonly Update[];
}

const NONE: ReadonlyMap<string, Uint8Array> = new Map();
const NOTHING_WISHED: ReadonlyMap<string, Intent> = new Map();
const NO_UPDATES: readonly Update[] = [];

export class Fields {
  readonly #codec: Codec;
  readonly #limits: Limits;
  readonly #onCorrupt: (field: string, reason: string) => void;
  #stored: ReadonlyMap<string, Uint8Array>;
  #entries: Map<string, Entry> | undefined;
  #budget: FieldBudget | undefined;

  constructor(
    stored: ReadonlyMap<string, Uint8Array> | undefined,
    codec: Codec,
    limits: Limits,
    onCorrupt: (field: string, reason: string) => void,
  ) {
    this.#stored = stored ?? NONE;
    this.#codec = codec;
    this.#limits = limits;
    this.#onCorrupt = onCorrupt;
  }

  get(field: string): unknown {
    const entry = this.#seen(field);
    return entry === undefined ? undefined : this.#valueOf(field, entry);
  }

  has(field: string): boolean {
    const entry = this.#seen(field);
    return entry !== undefined && entry.bytes !== null;
  }

  *keys(): IterableIterator<string> {
    for (const field of this.#stored.keys()) if (this.#entries?.get(field)?.bytes !== null) yield field;
    for (const [field, entry] of this.#entries ?? []) if (entry.bytes !== null && !this.#stored.has(field)) yield field;
  }

  set(field: string, value: unknown): void {
    const bytes = this.#encode(field, value);
    const entry = this.#touched(field);
    this.#replace(field, entry, bytes, value);
    entry.wish = 'assign';
  }

  delete(field: string): void {
    const entry = this.#touched(field);
    this.#replace(field, entry, null, undefined);
    entry.wish = 'assign';
  }

  update(field: string, fn: (current: unknown) => unknown): void {
    const entry = this.#touched(field);
    this.#noticeInnerChange(field, entry);
    const value = fn(this.#valueOf(field, entry));
    this.#replace(field, entry, this.#encode(field, value), value);
    // A chain of updates on what is stored, or on what a take has left, can be rerun. After an assignment it is part of that.
    if (entry.wish !== 'assign') entry.wish = 'update';
    entry.updates = [...entry.updates, fn];
  }

  take(field: string): unknown {
    const entry = this.#seen(field);
    if (entry === undefined || entry.bytes === null) return undefined;
    const value = this.#valueOf(field, entry);
    if (entry.wish !== 'assign') entry.wish = 'take';
    entry.updates = NO_UPDATES;
    this.#replace(field, entry, null, undefined);
    return value;
  }

  /** What the request wants of each field that it changed. Encodes objects once more: throws SOJOURN_VALUE or SOJOURN_LIMIT. */
  intents(): ReadonlyMap<string, Intent> {
    if (this.#entries === undefined) return NOTHING_WISHED;
    let intents: Map<string, Intent> | undefined;
    for (const [field, entry] of this.#entries) {
      this.#noticeInnerChange(field, entry);
      if (entry.wish === 'none' || sameBytes(entry.bytes, entry.stored)) continue;
      intents ??= new Map();
      intents.set(field, this.#intent(field, entry));
    }
    return intents ?? NOTHING_WISHED;
  }

  /** All fields as they would be stored, for a session that is new. */
  all(intents: ReadonlyMap<string, Intent>): Map<string, Uint8Array> {
    const fields = new Map<string, Uint8Array>();
    for (const [field, intent] of intents)
      if (intent.kind !== 'take' && intent.value !== null) fields.set(field, intent.value);
    return fields;
  }

  /** After a commit in mid-request: what was written is what is stored, and nothing is wished for any more. */
  settle(writes: ReadonlyMap<string, Write>): void {
    const stored = new Map(this.#stored);
    for (const [field, write] of writes) {
      const bytes = bytesOf(write);
      if (bytes === null) stored.delete(field);
      else stored.set(field, bytes);
    }
    this.#stored = stored;
    this.#budget = undefined;
    for (const [field, entry] of this.#entries ?? []) {
      const bytes = stored.get(field) ?? null;
      // A rerun may have landed on another value than the handler computed: decode that one when it is asked for again.
      if (!sameBytes(entry.bytes, bytes)) {
        entry.value = undefined;
        entry.decoded = bytes === null;
      }
      entry.stored = bytes;
      entry.bytes = bytes;
      entry.wish = 'none';
      entry.updates = NO_UPDATES;
    }
  }

  /** The entry of a field that the handler looks at; undefined when there is no such field. */
  #seen(field: string): Entry | undefined {
    let entry = this.#entries?.get(field);
    if (entry === undefined) {
      const stored = this.#stored.get(field);
      entry = stored === undefined ? this.#absent(field) : this.#enter(field, stored);
    }
    if (entry !== undefined) entry.seen = true;
    return entry;
  }

  /** "Not there" is something that a handler can build on as well: remember that it looked, if the name can exist at all. */
  #absent(field: string): Entry | undefined {
    return problemOfName(field) === undefined ? this.#touched(field) : undefined;
  }

  #touched(field: string): Entry {
    const entry = this.#entries?.get(field);
    if (entry !== undefined) return entry;
    const stored = this.#stored.get(field) ?? null;
    if (stored === null) checkFieldName(field);
    return this.#enter(field, stored);
  }

  #enter(field: string, stored: Bytes): Entry {
    const entry: Entry = {
      stored,
      bytes: stored,
      value: undefined,
      decoded: stored === null,
      seen: false,
      wish: 'none',
      updates: NO_UPDATES,
    };
    this.#entries ??= new Map();
    this.#entries.set(field, entry);
    return entry;
  }

  #valueOf(field: string, entry: Entry): unknown {
    if (entry.decoded) return entry.value;
    // Refused by its length, before anything is parsed: whoever wrote it was not this engine, or had other limits.
    if (entry.bytes!.length > this.#limits.bytes)
      throw this.#corrupt(field, `too-large: more than limits.bytes (${this.#limits.bytes})`);
    try {
      entry.value = this.#codec.decode(entry.bytes!);
    } catch (error) {
      throw this.#corrupt(
        field,
        isFailure(error) ? String(error.details.problem ?? error.message) : 'the codec failed',
        error,
      );
    }
    entry.decoded = true;
    return entry.value;
  }

  #corrupt(field: string, problem: string, cause?: unknown): Error {
    this.#onCorrupt(field, problem);
    return failure('SOJOURN_CORRUPT', { what: `Field "${field}" of this session`, problem }, cause);
  }

  #encode(field: string, value: unknown): Bytes {
    if (value === undefined) return null;
    checkFieldName(field);
    const bytes = encodeField(this.#codec, field, value);
    const entry = this.#entries?.get(field);
    this.#budgetNow().check(field, entry === undefined ? (this.#stored.get(field) ?? null) : entry.bytes, bytes);
    return bytes;
  }

  #replace(field: string, entry: Entry, bytes: Bytes, value: unknown): void {
    this.#budgetNow().move(field, entry.bytes, bytes);
    entry.bytes = bytes;
    entry.value = value;
    entry.decoded = true;
  }

  #noticeInnerChange(field: string, entry: Entry): void {
    if (!entry.decoded || typeof entry.value !== 'object' || entry.value === null || entry.bytes === null) return;
    const bytes = encodeField(this.#codec, field, entry.value);
    if (sameBytes(bytes, entry.bytes)) return;
    this.#budgetNow().check(field, entry.bytes, bytes);
    this.#budgetNow().move(field, entry.bytes, bytes);
    entry.bytes = bytes;
    // What was changed by hand cannot be rerun: it becomes an assignment after a read.
    entry.wish = 'assign';
    entry.seen = true;
  }

  #intent(field: string, entry: Entry): Intent {
    const { stored: read, bytes: value } = entry;
    if (entry.wish === 'take') return { kind: 'take', read };
    if (entry.wish === 'update')
      return { kind: 'update', read, value, rerun: (current) => this.#rerun(field, entry.updates, current) };
    return entry.seen ? { kind: 'assign', read, value } : { kind: 'set', value };
  }

  #rerun(field: string, updates: readonly Update[], current: Bytes): Bytes {
    let value: unknown = current === null ? undefined : this.#codec.decode(current);
    for (const fn of updates) value = fn(value);
    return value === undefined ? null : encodeField(this.#codec, field, value);
  }

  #budgetNow(): FieldBudget {
    this.#budget ??= new FieldBudget(this.#limits, this.#stored);
    return this.#budget;
  }
}

/** Encodes one field, and lets the error's path begin with the field's name. */
function encodeField(codec: Codec, field: string, value: unknown): Uint8Array {
  try {
    return codec.encode(value);
  } catch (error) {
    if (!isFailure(error, 'SOJOURN_VALUE')) throw error;
    const { path, problem } = error.details as { path: string; problem: string };
    throw failure('SOJOURN_VALUE', { path: `${field}${path.replace(/^value/, '')}`, problem }, error.cause);
  }
}
