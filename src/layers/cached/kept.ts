/**
 * One session as the near cache keeps it: bytes of its own, handed to any number of requests.
 *
 * What a store hands over may be a slice of a network buffer: keeping it would pin 64 KiB for one session, and whoever changes
 * what it shows would change everybody's copy. So secrets and fields are copied once into one buffer of exactly their size,
 * and what leaves it (a field's value, the secret hash) is copied again when somebody asks for it. `load` itself copies nothing.
 *
 * Rejected: handing out a whole copy for each load (1 us for ten fields, and most requests read two); trusting the readers (a
 * codec may decode bytes into a view of what it was given, and an application may wipe a key after use).
 */
import type { Delta, Head, Stored } from '../../contract.js';
import { PackedFields } from '../../core/packed-fields.js';
import { applyPacked, type Packed, pack, unpack } from '../../core/record.js';
import { isFailure } from '../../errors.js';

/** A session that shares no byte with anybody. */
export interface Kept extends Stored {
  readonly head: KeptHead;
  readonly fields: KeptFields;
}

/** A copy to keep. Null for what has no packed form, such as a field with a name of 300 bytes: that is served, but not kept. */
export function kept(stored: Stored): Kept | null {
  const fields = packed(stored.fields);
  return fields && copied(stored.head, fields);
}

/** The session after a delta that the store has applied to this very version; null when it cannot be told. */
export function keptAfter(before: Kept, delta: Delta, nowMs: number): Kept | null {
  try {
    const [, head, record] = applyPacked(before, delta, nowMs);
    return head && record && copied(head, unpack(record).fields);
  } catch (error) {
    if (isFailure(error)) return null;
    throw error;
  }
}

/**
 * Id, map entry, head, fields and what V8 and malloc put around a buffer: with 200,000 sessions of ten fields and 1 KB the process
 * grew by 1881 bytes for each (Node 20), 1012 of them the copy itself; 1878 is what this says.
 */
const BYTES_AROUND_A_COPY = 800;

/** What keeping it costs the process, about. */
export function bytesKept(id: string, { head, fields }: Kept): number {
  return BYTES_AROUND_A_COPY + id.length + fields.bytesHeld + 2 * (head.user?.length ?? 0);
}

/** Fields whose values are copied as they are read. */
class KeptFields extends PackedFields {
  /** The bytes of the whole copy, secrets included. */
  get bytesHeld(): number {
    return this.bytes.length;
  }

  protected override part(from: number, to: number): Uint8Array {
    return slice(this.bytes, from, to);
  }
}

type Previous = NonNullable<Head['previous']>;

/**
 * A head whose secrets are copied as they are read. They are own, enumerable accessors: a head is spread into the next one
 * in many places, and a getter of the class would be lost there. All heads share the two getters, so V8 keeps one shape for all.
 */
class KeptHead implements Head {
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly version: number;
  readonly generation: number;
  declare readonly secret?: Uint8Array;
  declare readonly previous?: Previous;
  declare readonly user?: string;
  declare readonly signedInAt?: number;
  declare readonly remember?: boolean;
  readonly #bytes: Buffer;
  readonly #secretEnd: number;
  readonly #previous: Previous | undefined;

  /** `bytes` begins with the secret and the one before it, as far as the head has them. */
  constructor(head: Head, bytes: Buffer) {
    this.createdAt = head.createdAt;
    this.expiresAt = head.expiresAt;
    this.version = head.version;
    this.generation = head.generation;
    this.#bytes = bytes;
    this.#secretEnd = head.secret?.length ?? 0;
    if (head.secret) Object.defineProperty(this, 'secret', KeptHead.#secret);
    if (head.previous) {
      const secret = bytes.subarray(this.#secretEnd, this.#secretEnd + head.previous.secret.length);
      this.#previous = { ...head.previous, secret };
      Object.defineProperty(this, 'previous', KeptHead.#before);
    }
    const named = this as { -readonly [K in keyof Head]: Head[K] };
    if (head.user !== undefined) named.user = head.user;
    if (head.signedInAt !== undefined) named.signedInAt = head.signedInAt;
    if (head.remember !== undefined) named.remember = head.remember;
  }

  static readonly #secret: PropertyDescriptor & ThisType<KeptHead> = {
    enumerable: true,
    get() {
      return slice(this.#bytes, 0, this.#secretEnd);
    },
  };
  static readonly #before: PropertyDescriptor & ThisType<KeptHead> = {
    enumerable: true,
    get() {
      const previous = this.#previous!;
      return { ...previous, secret: slice(previous.secret, 0, previous.secret.length) };
    },
  };
}

const NO_HEAD: Head = { createdAt: 0, expiresAt: 0, version: 0, generation: 0 };

function packed(fields: Stored['fields']): PackedFields | null {
  if (fields instanceof PackedFields) return fields;
  try {
    return unpack(pack({ head: NO_HEAD, fields })).fields;
  } catch (error) {
    if (isFailure(error)) return null;
    throw error;
  }
}

/** Secret, secret before that, fields: one allocation, which is not a slice of Node's pool, so that it frees what it took. */
function copied(head: Head, fields: Packed['fields']): Kept {
  const { count, runs } = fields.without([]);
  const parts = [head.secret, head.previous?.secret, ...runs].filter((part) => part !== undefined);
  const bytes = Buffer.allocUnsafeSlow(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  let start = 0;
  for (const part of parts) {
    start = at;
    bytes.set(part, at);
    at += part.length;
  }
  return { head: new KeptHead(head, bytes), fields: new KeptFields(bytes, runs.length > 0 ? start : at, count) };
}

/** V8 keeps so small an array in its own heap; a larger one costs an ArrayBuffer, unless it comes from Node's pool. */
const MOST_ON_HEAP_BYTES = 64;

/** A copy, not the view that Buffer's own `slice` makes. */
function slice(bytes: Uint8Array, from: number, to: number): Uint8Array {
  if (to - from <= MOST_ON_HEAP_BYTES) return Uint8Array.prototype.slice.call(bytes, from, to);
  return Buffer.from(bytes.subarray(from, to));
}
