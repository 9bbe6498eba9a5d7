/**
 * One server of an application: node:http, sessions in Redis. Several of them are the application.
 *
 * Called with the client's name, the URL, and 'bare' or 'cached'. Says `listening on <port>`. A page for each thing that a test does
 * with a session; every page answers with what the session holds then.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Store, sessions, type } from 'sojourn';
import { cached } from 'sojourn/cached';
import { session } from 'sojourn/node';
import { redis } from 'sojourn/redis';
import { connected } from './redis-client.js';

const [name = '', url = '', mode] = process.argv.slice(2);
const { client } = await connected(name, url);
const bare = redis(client);
const store: Store = mode === 'cached' ? cached(bare) : bare;
const s = sessions({ data: type<Record<string, number>>(), store });

const server = createServer(
  session(s, (req, res, visit) => {
    const { pathname, searchParams } = new URL(req.url ?? '', 'http://localhost');
    const field = searchParams.get('field');
    if (pathname === '/add') visit.update('n', (n = 0) => n + 1);
    if (field !== null) visit.set(`field${field}`, Number(field));
    res.end(JSON.stringify(visit.data));
  }),
);
server.listen(0, '127.0.0.1', () => console.log(`listening on ${(server.address() as AddressInfo).port}`));
