/**
 * Who takes part. An entrant is a way to keep sessions, bound to both frameworks by as little as its own documentation
 * asks for, and four verbs that the routes call. Everything else (routes, answers, counting) is one code for all of them.
 *
 * `bare` keeps no session at all and answers with constants; `bare again` is the same a second time, as a control: what
 * separates the two is what this run cannot resolve.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { memory, type Sessions, type Store, sessions, type } from 'sojourn';
import { session as sojournForExpress } from 'sojourn/express';
import { lmdb } from 'sojourn/lmdb';
import { session as sojournForNode } from 'sojourn/node';
import { type Sample, sample } from '../support/sample.js';
import { expressSessionEntrant } from './express-session.js';
import { floorEntrant } from './floor.js';

export type Listener = (req: IncomingMessage, res: ServerResponse) => void;
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

/** What a row is called; also how parent, server and load generator refer to it. */
export type Name =
  | 'bare'
  | 'bare again'
  | 'floor'
  | 'express-session + MemoryStore'
  | 'sojourn + memory'
  | 'sojourn + LMDB'
  | 'sojourn + LMDB, durable: false'
  | 'floor: one trip'
  | 'express-session + connect-redis'
  | 'express-session + connect-redis, disableTouch'
  | 'sojourn + redis'
  | 'sojourn + cached redis'
  | 'sojourn, encrypted'
  | 'sojourn, signed'
  | 'bare, a long cookie'
  | 'floor: opened by hand'
  | 'cookie-session'
  | '@fastify/secure-session'
  | 'iron-session';

export interface Entrant {
  readonly name: Name;
  /** node:http: a listener that has the session ready before `handler` runs. */
  listener(handler: Listener): Listener;
  /** Express: absent for `bare`, which has nothing to add. */
  readonly middleware?: Middleware;
  /** One field of the session; undefined for a visitor without one. */
  read(req: IncomingMessage): string | undefined;
  views(req: IncomingMessage): number;
  write(req: IncomingMessage): void;
  /** Starts a session with the ten fields of the sample. */
  seed(req: IncomingMessage, res: ServerResponse): void;
  /** How often the store was written to: creates, commits, touches, destroys. */
  writes(): number;
}

/** The stores of one process. */
export function entrantsInProcess(folder: string): Entrant[] {
  return [
    ...controls(),
    expressSessionEntrant('express-session + MemoryStore'),
    sojournEntrant('sojourn + memory', memory()),
    sojournEntrant('sojourn + LMDB', lmdb(join(folder, 'durable'))),
    sojournEntrant('sojourn + LMDB, durable: false', lmdb(join(folder, 'not-durable'), { durable: false })),
  ];
}

/** In every field: what needs no store. */
export function controls(): Entrant[] {
  return [bare('bare'), bare('bare again'), floorEntrant()];
}

export function bare(name: Name): Entrant {
  const { name: text } = sample();
  return {
    name,
    listener: (handler) => handler,
    read: () => text,
    views: () => 0,
    write: () => {},
    seed: () => {},
    writes: () => 0,
  };
}

/** Everything as it comes: the default cookie on loopback, the default codec, sliding expiry, sweeps. */
export function sojournEntrant(name: Name, store: Store): Entrant {
  const writes = countWrites(store);
  return entrantOf(name, sessions({ data: type<Sample>(), store }), writes);
}

/** Any sessions of ours. `writes`: how often their store was written to. */
export function entrantOf<S>(name: Name, s: Sessions<Sample, S>, writes: () => number): Entrant {
  return {
    name,
    listener: (handler) => sojournForNode(s, handler),
    middleware: sojournForExpress(s),
    read: (req) => s.from(req).get('name'),
    views: (req) => s.from(req).get('views') ?? -1,
    write: (req) => s.from(req).update('views', (views = 0) => views + 1),
    seed: (req) => void Object.assign(s.from(req).data, sample()),
    writes,
  };
}

/** Counts where it costs nothing on the path that is measured most: `load` stays as it is. */
function countWrites(store: Store): () => number {
  let count = 0;
  const counted = <A extends unknown[], R>(verb: (...args: A) => R): ((...args: A) => R) => {
    return (...args) => {
      count++;
      return verb.apply(store, args);
    };
  };
  store.create = counted(store.create);
  store.commit = counted(store.commit);
  store.destroy = counted(store.destroy);
  return () => count;
}
