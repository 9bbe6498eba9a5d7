/**
 * How much one session may hold. The bounds are checked when a value is set, at the line that would pass them.
 *
 * Each request counts what it loaded and what it adds; two requests that add different fields at the same moment can
 * together end a little above the limit. That is accepted: the bound guards against runaway growth, it is no quota.
 */
import { failure } from '../errors.js';
import { checked, wholeNumber } from './options.js';
import { PackedFields } from './packed-fields.js';

export interface Limits {
  /** Encoded bytes of all fields and their names. Default 1 MiB. A stored field that is longer by itself is `corrupt` when it is read. */
  readonly bytes: number;
  /** Number of fields. Default 1024, at most 65535. */
  readonly fields: number;
  /** How deep a value may be nested. Default 100, at most 500. */
  readonly depth: number;
}

export function limits(options: Partial<Limits> | undefined): Limits {
  const { bytes = 1_048_576, fields = 1024, depth = 100 } = checked('limits', options, ['bytes', 'fields', 'depth']);
  return {
    bytes: wholeNumber('limits.bytes', bytes, 64, 1_073_741_824),
    fields: wholeNumber('limits.fields', fields, 1, 65_535),
    depth: wholeNumber('limits.depth', depth, 1, 500),
  };
}

const MAX_NAME_BYTES = 255;

/** Field names are 1 to 255 bytes of well-formed text; `__proto__` is refused, everything else is a name like any other. */
export function checkFieldName(field: string): void {
  const problem = problemOfName(field);
  if (problem === undefined) return;
  const path = typeof field === 'string' ? `field ${JSON.stringify(field.slice(0, 30))}` : 'a field';
  throw failure('SOJOURN_VALUE', { path, problem });
}

/** What is wrong with a field's name; undefined when nothing is. */
export function problemOfName(field: string): string | undefined {
  if (typeof field !== 'string') return 'its name must be a string';
  if (field === '') return 'its name must not be empty';
  if (field === '__proto__') return 'that name is refused, because merging it elsewhere could change prototypes';
  // Up to 85 UTF-16 units can never pass 255 bytes of UTF-8, so most names need no counting.
  if (field.length > 85 && Buffer.byteLength(field) > MAX_NAME_BYTES)
    return `its name must be at most ${MAX_NAME_BYTES} bytes of UTF-8`;
  if (/\p{Surrogate}/u.test(field)) return 'its name holds half of a surrogate pair, which UTF-8 cannot carry';
  return undefined;
}

/** Counts one session's fields and bytes as a request changes them. */
export class FieldBudget {
  readonly #limits: Limits;
  #bytes = 0;
  #fields = 0;

  constructor(limits: Limits, stored: ReadonlyMap<string, Uint8Array>) {
    this.#limits = limits;
    if (stored instanceof PackedFields) {
      this.#bytes = stored.contentBytes;
      this.#fields = stored.size;
    } else for (const [field, value] of stored) this.move(field, null, value);
  }

  /** Throws SOJOURN_LIMIT if this change would pass a bound. What makes a session smaller always passes. */
  check(field: string, from: Uint8Array | null, to: Uint8Array): void {
    const { bytes, fields } = this.#limits;
    const added = to.length - (from?.length ?? -Buffer.byteLength(field));
    if (added > 0 && this.#bytes + added > bytes) {
      throw failure('SOJOURN_LIMIT', {
        what: `Field "${field}" makes the session too big`,
        size: this.#bytes + added,
        limit: bytes,
        option: 'limits.bytes',
      });
    }
    if (from === null && this.#fields + 1 > fields) {
      throw failure('SOJOURN_LIMIT', {
        what: `Field "${field}" is one too many`,
        size: this.#fields + 1,
        limit: fields,
        option: 'limits.fields',
      });
    }
  }

  move(field: string, from: Uint8Array | null, to: Uint8Array | null): void {
    this.#bytes += cost(field, to) - cost(field, from);
    this.#fields += (to === null ? 0 : 1) - (from === null ? 0 : 1);
  }
}

function cost(field: string, value: Uint8Array | null): number {
  return value === null ? 0 : Buffer.byteLength(field) + value.length;
}
