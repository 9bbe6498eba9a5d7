/**
 * Fields of entrants: who is measured against each other in one run, and on which routes. One server process holds a whole
 * field, so a field is also what may share a heap: stores of one process in one, everybody who needs Redis in another.
 */
import type { Name } from './entrants.js';
import type { Route } from './paths.js';

export type FieldName = 'in process' | 'node-redis' | 'ioredis' | 'in the cookie';

/** Each is a group together with `bare`. */
export type Groups = readonly (readonly [name: Name, routes: readonly Route[]])[];

const ALL: readonly Route[] = ['read', 'write', 'anonymous'];

export const FIELDS: Readonly<Record<FieldName, Groups>> = {
  'in process': [
    ['bare again', ['read']],
    ['floor', ALL],
    ['express-session + MemoryStore', ALL],
    ['sojourn + memory', ALL],
    ['sojourn + LMDB', ALL],
    ['sojourn + LMDB, durable: false', ['write']],
  ],
  'in the cookie': [
    ['bare again', ['read']],
    ['floor', ['read']],
    ['bare, a long cookie', ['read']],
    ['floor: opened by hand', ['read']],
    ['sojourn, encrypted', ALL],
    ['sojourn, signed', ALL],
    ['cookie-session', ALL],
    ['@fastify/secure-session', ALL],
    ['iron-session', ALL],
  ],
  'node-redis': [
    ['bare again', ['read']],
    ['floor', ['read']],
    ['floor: one trip', ['read', 'write']],
    ['express-session + connect-redis', ALL],
    ['express-session + connect-redis, disableTouch', ['read', 'write']],
    ['sojourn + redis', ALL],
    ['sojourn + cached redis', ALL],
  ],
  ioredis: [
    ['bare again', ['read']],
    ['floor', ['read']],
    ['floor: one trip', ['read', 'write']],
    ['sojourn + redis', ALL],
    ['sojourn + cached redis', ALL],
  ],
};
