/**
 * What a request object carries for us: its sessions, and whatever its adapter knows of the answer. One property, one object.
 *
 * One, because frameworks that change prototypes (Express) leave every request with a hidden class of its own, where each
 * added property costs microseconds; and a property rather than a WeakMap, because weak entries for objects that die young
 * cost the garbage collector more than the whole read of a session (both measured on Express 5).
 */

export interface Carried {
  /** The sessions of this request, each with the engine that opened it; the last one is the newest. */
  readonly sessions: { readonly engine: object; readonly session: object }[];
  /** For the adapter. */
  answer: object | undefined;
}

const CARRIED = Symbol('sojourn');
type Carrier = { [CARRIED]?: Carried };

export function carriedBy(owner: object): Carried | undefined {
  return (owner as Carrier)[CARRIED];
}

/** What `owner` carries, from now on if not before. */
export function carry(owner: object): Carried {
  const present = (owner as Carrier)[CARRIED];
  if (present !== undefined) return present;
  const carried: Carried = { sessions: [], answer: undefined };
  (owner as Carrier)[CARRIED] = carried;
  return carried;
}
