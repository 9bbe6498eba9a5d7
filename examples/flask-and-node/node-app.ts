/**
 * The Node half: the same pages over the same sessions, by sojourn.
 *
 * With REDIS_PORT sessions are in Redis, as Flask-Session keeps them; without it in Flask's cookie. The two differ in these lines and
 * in no handler.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createClient } from 'redis';
import { type Session, sessions, type } from 'sojourn';
import { flaskCookie, flaskLifetimes, flaskSession, flaskTransport, tuple } from 'sojourn/flask';
import { session } from 'sojourn/node';

interface Fields {
  cart: { seat: [row: string, number: number]; price: number; count: number };
  _flashes: readonly unknown[];
  [key: string]: unknown;
}

const { SECRET_KEY: secretKey = '', REDIS_PORT: redisPort, PORT: port } = process.env;
const data = type<Fields>();

async function sharedSessions() {
  if (redisPort === undefined) {
    return sessions({ data, seal: flaskCookie({ secretKey }), transport: flaskTransport(), ...flaskLifetimes() });
  }
  const client = await createClient({ url: `redis://127.0.0.1:${redisPort}` }).connect();
  const store = flaskSession(client, { format: 'pickle' });
  return sessions({ data, store, transport: flaskTransport({ signedBy: secretKey }), ...flaskLifetimes() });
}

type Page = (visit: Session<Fields>, query: URLSearchParams) => object;

const see: Page = (visit) => ({ by: 'node', user: visit.user ?? null, fields: shown(visit) });

const pages: Readonly<Record<string, Page>> = {
  'GET /see': see,
  'POST /login': (visit, query) => {
    visit.login(query.get('user') ?? '');
    return see(visit, query);
  },
  'POST /logout': (visit) => {
    visit.destroy();
    return { by: 'node' };
  },
  'POST /set': (visit, query) => {
    visit.set(query.get('key') ?? '', JSON.parse(query.get('value') ?? 'null'));
    return see(visit, query);
  },
  'POST /count': (visit, query) => {
    const { cart } = visit.data;
    if (cart) cart.count++;
    return see(visit, query);
  },
  'POST /drop': (visit, query) => {
    visit.delete(query.get('key') ?? '');
    return see(visit, query);
  },
  'POST /flash': (visit, query) => {
    visit.update('_flashes', (before = []) => [...before, tuple('message', query.get('text'))]);
    return see(visit, query);
  },
  'POST /flashes': (visit) => {
    const flashes = (visit.take('_flashes') ?? []) as readonly [category: string, text: string][];
    return { by: 'node', flashes: flashes.map(([, text]) => text) };
  },
};

function shown(visit: Session<Fields>): object {
  return Object.fromEntries(
    [...visit.keys()].filter((key) => !key.startsWith('_')).map((key) => [key, visit.get(key)]),
  );
}

function answer(req: IncomingMessage, res: ServerResponse, visit: Session<Fields>): void {
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://node');
  const page = pages[`${req.method} ${pathname}`];
  res.setHeader('Content-Type', 'application/json');
  if (page) return void res.end(JSON.stringify(page(visit, searchParams)));
  res.statusCode = 404;
  res.end('{}');
}

const s = await sharedSessions();
createServer(session(s, answer)).listen(Number(port), '127.0.0.1', () => console.log('Node listens.'));
