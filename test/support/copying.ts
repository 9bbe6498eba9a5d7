/**
 * A near cache of the simplest kind, to see what the engine makes of one: it keeps a copy of everything that it has loaded,
 * hears of nothing, and answers from its copies for as long as its staleness bound allows. `asked` is what it was asked for.
 */
import type { Caching, Store, Stored } from 'sojourn';

export interface Copying extends Caching {
  readonly asked: { readonly id: string; readonly atLeast: number | undefined; readonly below: boolean }[];
}

export function copying<S extends Store>(store: S, { now }: { now(): number }): S & Copying {
  const copies = new Map<string, { readonly stored: Stored; readonly asOf: number }>();
  const asked: Copying['asked'] = [];
  const layer = {
    asked,
    stalenessMs: 1500,
    stale(id: string, maxAgeMs: number) {
      const copy = copies.get(id);
      return copy !== undefined && now() - copy.asOf <= maxAgeMs ? copy.stored : null;
    },
    async load(id: string, atLeast = 0) {
      const copy = copies.get(id);
      const below = copy === undefined || copy.stored.head.version < atLeast || now() - copy.asOf > 1500;
      asked.push({ id, atLeast: atLeast || undefined, below });
      if (!below) return copy.stored;
      const stored = await store.load(id);
      if (stored === null) copies.delete(id);
      else copies.set(id, { stored, asOf: now() });
      return stored;
    },
    async commit(...args: Parameters<Store['commit']>) {
      copies.delete(args[0]);
      return store.commit(...args);
    },
    async destroy(id: string) {
      copies.delete(id);
      await store.destroy(id);
    },
  };
  return new Proxy(store, {
    has: (target, name) => name in layer || name in target,
    get: (target, name) => Reflect.get(name in layer ? layer : target, name),
  }) as S & Copying;
}
