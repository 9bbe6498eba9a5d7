/**
 * A store that remembers how it was called. "No store operation" in a hostile case means no call at all, not a call that
 * found nothing, so the calls themselves are counted; and the ids that are written to are kept, because nothing may ever be
 * written under an id that a stranger presented.
 */
import type { Store } from 'sojourn';

export interface Call {
  readonly verb: string;
  readonly id: unknown;
}

/** `store`, whose calls are noted in `calls`. Empty the list to count anew. */
export function recorded<S extends Store>(store: S, calls: Call[]): S {
  return new Proxy(store, {
    get(target, verb) {
      const own: unknown = Reflect.get(target, verb);
      if (typeof own !== 'function') return own;
      return (...args: unknown[]): unknown => {
        calls.push({ verb: String(verb), id: args[0] });
        return Reflect.apply(own, target, args);
      };
    },
  });
}
