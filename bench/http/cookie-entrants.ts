/**
 * Entrants that keep no sessions at all: the whole session travels in the cookie, in each direction that it has to.
 *
 * The load generator keeps no cookies: every request of a session brings the one that it was given first, also after a write. For
 * the other libraries that makes no difference; ours finds the newer state that it has sealed meanwhile, as it does for a late
 * request, and does the same work from there.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { parse, serialize } from 'cookie';
import fastify, { type FastifyInstance } from 'fastify';
import { getIronSession } from 'iron-session';
import { encrypted, type Sealer, sessions, signed, type } from 'sojourn';
import { type Sample, sample } from '../support/sample.js';
import { longCookieEntrant, openedFloorEntrant } from './cookie-floor.js';
import { controls, type Entrant, entrantOf, type Middleware, type Name } from './entrants.js';

const SECRET = 'a secret that only this benchmark knows, and long enough';

export async function cookieEntrants(): Promise<Entrant[]> {
  return [
    ...controls(),
    longCookieEntrant(),
    openedFloorEntrant(),
    sojournEntrant('sojourn, encrypted', encrypted({ keys: [SECRET] })),
    sojournEntrant('sojourn, signed', signed({ keys: [SECRET] })),
    cookieSessionEntrant('cookie-session'),
    await secureSessionEntrant('@fastify/secure-session'),
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

/**
 * What its hooks do, with the functions that they call: Fastify itself is not measured here, and would be counted as a part of it.
 * Its cookie travels percent-encoded, as @fastify/cookie writes it.
 */
async function secureSessionEntrant(name: Name): Promise<Entrant> {
  const app = await secureSessionApp();
  const middleware: Middleware = (req, res, next) => {
    const session =
      app.decodeSecureSession(parse(req.headers.cookie ?? '').session ?? '') ?? app.createSecureSession({});
    // Its fields are reached as properties: the session is a proxy.
    (req as Visited).session = session as unknown as Partial<Sample>;
    const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
    res.end = ((...args: unknown[]) => {
      if (session.changed) {
        const value = serialize('session', app.encodeSecureSession(session), { path: '/', httpOnly: true });
        res.setHeader('Set-Cookie', value);
      }
      return end(...args);
    }) as ServerResponse['end'];
    next();
  };
  return { name, ...onRequest(middleware) };
}

export async function secureSessionApp(): Promise<FastifyInstance> {
  const app = fastify();
  await app.register(import('@fastify/secure-session'), { key: Buffer.alloc(32, SECRET), sessionName: 'session' });
  await app.ready();
  return app;
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
