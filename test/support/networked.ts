/** A store that answers later, as one behind a network does: every call is a promise, nothing else changes. */
import type { Store } from 'sojourn';

export function networked<S extends Store>(store: S): S {
  const verbs = ['load', 'create', 'commit', 'destroy'];
  return new Proxy({} as S, {
    has: (_, name) => name in store,
    get(_, name) {
      const own: unknown = Reflect.get(store, name, store);
      if (typeof own !== 'function') return own;
      if (!verbs.includes(String(name))) return own.bind(store);
      return async (...args: unknown[]) => {
        await null;
        return Reflect.apply(own, store, args);
      };
    },
  });
}
