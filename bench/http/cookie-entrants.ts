/**
 * Entrants that keep no sessions at all: the whole session travels in the cookie, in each direction that it has to.
 *
 * The load generator keeps no cookies: every request of a session brings the one that it was given first, also after a write. For
 * the other libraries that makes no difference; ours finds the newer state that it has sealed meanwhile, as it does for a late
 * request, and does the same work from there.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { getIronSession } from 'iron-session';
import { encrypted, type Sealer, sessions, signed, type } from 'sojourn';
import { type Sample, sample } from '../support/sample.js';
import { controls, type Entrant, entrantOf, type Middleware, type Name } from './entrants.js';

const SECRET = 'a secret that only this benchmark knows, and long enough';

export function cookieEntrants(): Entrant[] {
  return [
    ...controls(),
    sojournEntrant('sojourn, encrypted', encrypted({ keys: [SECRET] })),
    sojournEntrant('sojourn, signed', signed({ keys: [SECRET] })),
    cookieSessionEntrant('cookie-session'),
    ironSessionEntrant('iron-session'),
  ];
}

function sojournEntrant(name: Name, seal: Sealer): Entrant {
  return entrantOf(name, sessions({ data: type<Sample>(), seal }), () => 0);
}

type Visited = IncomingMessage & { session: Partial<Sample> };

/** Loaded without types: it has none. */
function cookieSessionEntrant(name: Name): Entrant {
  const library = createRequire(import.meta.url)('cookie-session') as (options: object) => Middleware;
  return { name, ...onRequest(library({ keys: [SECRET] })) };
}

/** Opened before the handler, saved before the answer ends, as its documentation shows. */
function ironSessionEntrant(name: Name): Entrant {
  const options = { password: SECRET, cookieName: 'app', cookieOptions: { secure: false } };
  const middleware: Middleware = (req, res, next) => {
    getIronSession<Partial<Sample>>(req, res, options).then((session) => {
      const before = session.views;
      (req as Visited).session = session;
      const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
      res.end = ((...args: unknown[]) => {
        if (session.views === before) return end(...args);
        session.save().then(() => end(...args), next);
        return res;
      }) as ServerResponse['end'];
      next();
    }, next);
  };
  return { name, ...onRequest(middleware) };
}

function onRequest(middleware: Middleware): Omit<Entrant, 'name'> {
  return {
    listener: (handler) => (req, res) => middleware(req, res, () => handler(req, res)),
    middleware,
    read: (req) => (req as Visited).session.name,
    views: (req) => (req as Visited).session.views ?? -1,
    write(req) {
      const { session } = req as Visited;
      session.views = (session.views ?? 0) + 1;
    },
    seed: (req) => void Object.assign((req as Visited).session, sample()),
    writes: () => 0,
  };
}
