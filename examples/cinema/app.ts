/**
 * The movie-ticket application of one server: an Express app over a database and a session store. It listens nowhere and
 * starts nothing; server.ts does. Handlers know sessions only through the few lines of routes/desk.ts, so where sessions
 * live can change without any of them changing.
 *
 * A request passes: who serves it, safe headers, own pages only, its body, its session, its route, its errors.
 */
import { fileURLToPath } from 'node:url';
import express, { type Express, type RequestHandler } from 'express';
import type { MaybePromise, Stored } from 'sojourn';
import { session } from 'sojourn/express';
import type { SessionsAddress } from './address.js';
import type { Database } from './db/schema.js';
import { openCinema } from './domain/cinema.js';
import { fairDice, type House } from './domain/house.js';
import { type HashCost, properCost } from './domain/passwords.js';
import { answerErrors, notFound } from './http/errors.js';
import { readForm } from './http/form.js';
import { ownPagesOnly } from './http/origin.js';
import { openapi } from './openapi.js';
import { accountRoutes } from './routes/account.js';
import type { Desk } from './routes/desk.js';
import { commentRoutes, couponRoutes, favouriteRoutes } from './routes/keeping.js';
import { movieRoutes } from './routes/movies.js';
import { orderRoutes } from './routes/orders.js';
import { pictureRoutes } from './routes/pictures.js';
import { screenRoutes } from './routes/screens.js';
import { sessionRoutes } from './routes/session.js';
import { signIns } from './routes/sign-ins.js';
import type { ByUser, CinemaSessions } from './session.js';

export interface HouseOptions {
  readonly db: Database;
  /** Epoch milliseconds. Default: Date.now. */
  readonly clock?: () => number;
  /** 0 <= n < below. Default: a cryptographic generator. */
  readonly dice?: (below: number) => number;
  /** Default: as OWASP advises. Tests are in a hurry. */
  readonly hashCost?: HashCost;
}

export interface AppOptions extends HouseOptions {
  readonly sessions: CinemaSessions;
  readonly byUser: ByUser | undefined;
  /** What keeps them, for the line at the foot of the page. */
  readonly livesIn: SessionsAddress['kind'];
  /** A session as its store holds it, if there is one. */
  readonly inspect?: (id: string) => MaybePromise<Stored | null>;
  /** This server's name. Every answer carries it as X-Served-By. */
  readonly name: string;
  /** Answers text-message codes in the body and fills the purse. For showing, never for the public. Default: false. */
  readonly demo?: boolean;
  /** Sends a code to a phone. Default: to nobody. */
  readonly deliver?: (mobile: string, code: string) => void;
  readonly log?: (error: unknown) => void;
}

/** The page: plain files beside this one, in the source tree and in the build. */
const WEB_FOLDER = fileURLToPath(new URL('./web/', import.meta.url));

/** What a new user owns: 50 yuan as in the original, 500 where there is something to try out. */
const OPENING_CENTS = { real: 5_000, demo: 50_000 } as const;

export function createApp(options: AppOptions): Express {
  const { name, sessions, byUser, demo = false } = options;
  const cinema = openCinema(houseOf(options), demo ? OPENING_CENTS.demo : OPENING_CENTS.real);
  const nobody = (): null => null;
  const inspect = options.inspect ?? nobody;
  const desk: Desk = {
    cinema,
    sessions,
    signIns: signIns({ sessions, byUser, devices: cinema.devices, inspect }),
    name,
    demo,
    livesIn: options.livesIn,
    deliver: options.deliver ?? nobody,
    inspect,
  };

  const app = express();
  app.disable('x-powered-by');
  app.enable('strict routing');
  // The servers listen on loopback only, so whoever connects is our gateway, and its word about the client is true.
  app.set('trust proxy', 'loopback');
  app.use(servedBy(name), safeHeaders());
  app.get('/healthz', (_req, res) => void res.json({ server: name }));
  app.get('/readyz', readiness(name, sessions));
  app.get('/api/openapi.json', (_req, res) => void res.json(openapi));
  app.use('/static/images', pictureRoutes(cinema.avatars));
  app.use('/api', ownPagesOnly(), readForm(), session(sessions));
  app.use(
    '/api',
    programmeReady(() => cinema.programme.ready()),
  );
  app.use('/api', accountRoutes(desk), sessionRoutes(desk), movieRoutes(desk), screenRoutes(desk));
  app.use('/api', orderRoutes(desk), favouriteRoutes(desk), commentRoutes(desk), couponRoutes(desk));
  app.use('/api', notFound());
  app.use(express.static(WEB_FOLDER));
  app.use(notFound());
  app.use(answerErrors(options.log ?? console.error));
  return app;
}

/** The rules' view of the options. */
export function houseOf({ db, clock = Date.now, dice = fairDice, hashCost = properCost }: HouseOptions): House {
  return { db, now: clock, draw: dice, hashCost };
}

function servedBy(name: string): RequestHandler {
  return (_req, res, next) => {
    res.set('X-Served-By', name);
    next();
  };
}

/**
 * For operators and monitors. The gateway asks /healthz instead: servers that share a store lose it together, and taking all of
 * them out of the rotation would turn an answer that explains itself into one that does not.
 */
function readiness(name: string, sessions: CinemaSessions): RequestHandler {
  return async (_req, res) => {
    const ready = await sessions.ready();
    res
      .status(ready ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json({ server: name, sessions: ready ? 'ready' : 'away' });
  };
}

const CONTENT_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

function safeHeaders(): RequestHandler {
  return (_req, res, next) => {
    res.set({
      'Content-Security-Policy': CONTENT_POLICY,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'same-origin',
    });
    next();
  };
}

/** The first request of a day finds the day's showings. */
function programmeReady(ready: () => Promise<void>): RequestHandler {
  return async (_req, _res, next) => {
    await ready();
    next();
  };
}
