/**
 * Whether this server should get requests: `ready()`, for the load balancer's health check.
 *
 * First the store has to pass its own `check` (is every command there, is every permission), once; until then it is asked
 * again each time. From then on the store has to answer a load, which is asked each time: a server that is idle would not
 * notice otherwise that its store is gone. Never throws, and takes no longer than a request would.
 */
import type { Store } from '../contract.js';
import type { Emitter } from './events.js';
import { type Guarded, NO_SUCH_ID } from './guard.js';

export function health(store: Store, guarded: Guarded, events: Emitter): () => Promise<boolean> {
  const warned = new Set<string>();
  let checking: Promise<boolean> | undefined;

  return async () => {
    if (guarded.isDown) return false;
    checking ??= check();
    if (!(await inTime(checking))) return false;
    try {
      await guarded.load(NO_SUCH_ID);
      return !guarded.isDown;
    } catch {
      return false;
    }
  };

  /** One that failed is forgotten, and the next call begins another. */
  async function check(): Promise<boolean> {
    try {
      for (const warning of (await store.check?.()) ?? []) warn(warning);
      return true;
    } catch (error) {
      checking = undefined;
      events.emit('storeError', { store: store.name, operation: 'check', error });
      return false;
    }
  }

  function warn(warning: string): void {
    if (warned.has(warning)) return;
    warned.add(warning);
    process.emitWarning(warning, 'SojournWarning');
  }

  /** False if it takes longer: it goes on, and the next call finds it. */
  function inTime(result: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve) => {
      const done = guarded.patience('check', undefined, () => resolve(false));
      result.then((passed) => {
        done();
        resolve(passed);
      });
    });
  }
}
