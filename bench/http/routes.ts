/**
 * The routes that every entrant serves, in both frameworks: the same plumbing for all, so that what differs between two rows
 * is the session alone. Answers have a fixed length within a route, because the load generator counts bytes.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import express from 'express';
import type { Entrant } from './entrants.js';
import { type Framework, PATHS, type Route, SEED_PATH, VIEWS_PATH } from './paths.js';
import type { Tally } from './windows.js';

const KEEP_ALIVE_MS = 600_000;

export function serve(framework: Framework, entrant: Entrant, tally: Tally): Server {
  const verbs = verbsOf(entrant, tally);
  const listener = framework === 'Express 5' ? expressRoutes(entrant, verbs) : nodeRoutes(entrant, verbs);
  const server = createServer(listener);
  // Connections rest while others have their turn.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

type Verb = (req: IncomingMessage, res: ServerResponse) => string;
type Verbs = Readonly<Record<Route | 'seed' | 'views', Verb>>;

function verbsOf(entrant: Entrant, tally: Tally): Verbs {
  const [read, write, anonymous] = (['read', 'write', 'anonymous'] as const).map((route) =>
    tally.slot(entrant.name, route),
  );
  return {
    read(req) {
      tally.count(read!);
      return entrant.read(req) ?? 'nobody';
    },
    write(req) {
      tally.count(write!);
      entrant.write(req);
      return 'raised';
    },
    anonymous(req) {
      tally.count(anonymous!);
      return entrant.read(req) ?? 'nobody';
    },
    seed(req, res) {
      entrant.seed(req, res);
      return 'begun';
    },
    views: (req) => String(entrant.views(req)),
  };
}

function nodeRoutes(entrant: Entrant, verbs: Verbs): RequestListener {
  return entrant.listener((req, res) => {
    switch (req.url) {
      case PATHS.read:
        return send(res, verbs.read(req, res));
      case PATHS.write:
        return send(res, verbs.write(req, res));
      case PATHS.anonymous:
        return send(res, verbs.anonymous(req, res));
      case SEED_PATH:
        return send(res, verbs.seed(req, res));
      default:
        return send(res, verbs.views(req, res));
    }
  });
}

/** With its length, as `res.send` of Express: without it express-session would make every answer a chunked one. */
function send(res: ServerResponse, text: string): void {
  res.setHeader('Content-Length', text.length);
  res.end(text);
}

function expressRoutes({ middleware }: Entrant, verbs: Verbs): RequestListener {
  const app = express();
  if (middleware !== undefined) app.use(middleware);
  app.get(PATHS.read, (req, res) => void res.send(verbs.read(req, res)));
  app.get(PATHS.write, (req, res) => void res.send(verbs.write(req, res)));
  app.get(PATHS.anonymous, (req, res) => void res.send(verbs.anonymous(req, res)));
  app.get(SEED_PATH, (req, res) => void res.send(verbs.seed(req, res)));
  app.get(VIEWS_PATH, (req, res) => void res.send(verbs.views(req, res)));
  return app;
}
