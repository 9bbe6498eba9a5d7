/**
 * A store whose every verb waits twice, before it reaches the store and before its answer reaches the engine, for as long as
 * fast-check's scheduler says: races are driven, not hoped for.
 */
import type fc from 'fast-check';
import type { MaybePromise, Store } from 'sojourn';

export function slowed(store: Store, scheduler: fc.Scheduler): Store {
  const slow = async <R>(verb: string, run: () => MaybePromise<R>): Promise<R> => {
    await scheduler.schedule(Promise.resolve(), `${verb} sets out`);
    const result = await run();
    await scheduler.schedule(Promise.resolve(), `${verb} comes back`);
    return result;
  };
  return {
    name: store.name,
    load: (id) => slow('load', () => store.load(id)),
    create: (id, session) => slow('create', () => store.create(id, session)),
    commit: (id, delta) => slow('commit', () => store.commit(id, delta)),
    destroy: (id) => slow('destroy', () => store.destroy(id)),
  };
}
