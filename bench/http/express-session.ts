/**
 * The library that most applications use today, with the settings that its own documentation recommends, over its own store
 * for one process or one that is handed in. On node:http through the same middleware.
 *
 * Loaded without its types: they declare `req.session` for everybody, and so do those of `sojourn/express`.
 */
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { type Sample, sample } from '../support/sample.js';
import type { Entrant, Middleware, Name } from './entrants.js';

type Callback = (error?: unknown) => void;
/** What a store of express-session has; RedisStore of connect-redis is another. */
export interface ForeignStore {
  set(id: string, session: object, done?: Callback): void;
  touch(id: string, session: object, done?: Callback): void;
  destroy(id: string, done?: Callback): void;
}
interface ExpressSession {
  (options: object): Middleware;
  readonly MemoryStore: new () => ForeignStore;
}
type Visited = IncomingMessage & { session: Partial<Sample> };

/** Without a `store`: its own, for one process. */
export function expressSessionEntrant(name: Name, foreign?: ForeignStore): Entrant {
  const expressSession = createRequire(import.meta.url)('express-session') as ExpressSession;
  const store = foreign ?? new expressSession.MemoryStore();
  const writes = countWrites(store);
  const middleware = expressSession({
    store,
    secret: 'a secret that only this benchmark knows',
    resave: false,
    saveUninitialized: false,
  });
  return {
    name,
    listener: (handler) => (req, res) => middleware(req, res, () => handler(req, res)),
    middleware,
    read: (req) => (req as Visited).session.name,
    views: (req) => (req as Visited).session.views ?? -1,
    write: (req) => {
      const { session } = req as Visited;
      session.views = (session.views ?? 0) + 1;
    },
    seed: (req) => void Object.assign((req as Visited).session, sample()),
    writes,
  };
}

function countWrites(store: ForeignStore): () => number {
  let count = 0;
  const counted = <A extends unknown[], R>(verb: (...args: A) => R): ((...args: A) => R) => {
    return (...args) => {
      count++;
      return verb.apply(store, args);
    };
  };
  store.set = counted(store.set);
  store.touch = counted(store.touch);
  store.destroy = counted(store.destroy);
  return () => count;
}
