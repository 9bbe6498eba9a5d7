/** An application that uses every public entry, and a store and a codec of its own, as an ES module. */
import { createServer, type Server } from 'node:http';
import {
  apply,
  type Codec,
  isFailure,
  json,
  type Outcome,
  type Sessions,
  type Store,
  type Stored,
  sessions,
  type,
} from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { session } from 'sojourn/node';
import { codecKit, storeKit } from 'sojourn/testing';

interface Visit {
  views: number;
}

/** A type that takes part in declarations: what users export must be nameable. */
export const s: Sessions<Visit, ReturnType<typeof lmdb>> = sessions({
  data: type<Visit>(),
  store: lmdb('./sessions', { durable: false }),
  idle: '30m',
});

export const server: Server = createServer(
  session(s, (_req, res, visit) => {
    visit.update('views', (views = 0) => views + 1);
    res.end(String(visit.get('views')));
  }),
);

export class OwnStore implements Store {
  readonly name = 'own';
  readonly #sessions = new Map<string, Stored>();
  load(id: string): Stored | null {
    return this.#sessions.get(id) ?? null;
  }
  create(id: string, session: Stored): 'ok' | 'exists' {
    if (this.#sessions.has(id)) return 'exists';
    this.#sessions.set(id, session);
    return 'ok';
  }
  commit(id: string, delta: Parameters<Store['commit']>[1]): Outcome {
    const [outcome, next] = apply(this.load(id), delta, Date.now());
    if (next) this.#sessions.set(id, next);
    return outcome;
  }
  destroy(id: string): void {
    this.#sessions.delete(id);
  }
}

export const ownCodec: Codec = { ...json(), name: 'own' };

export function problemOf(error: unknown): string {
  return isFailure(error, 'SOJOURN_STORE') ? `${error.code} ${error.status}` : 'unknown';
}

void [codecKit, storeKit];
