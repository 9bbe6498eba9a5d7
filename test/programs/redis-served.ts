/** A Redis store for the other side of `twoProcessKit`. Called with the client's name, and the server in REDIS_URL. */
import { redis } from 'sojourn/redis';
import { serveStore } from 'sojourn/testing';
import { connected } from './redis-client.js';

const [name = ''] = process.argv.slice(2);
const { client, close } = await connected(name, process.env.REDIS_URL ?? '');

await serveStore(redis(client));
close();
