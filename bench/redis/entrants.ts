/**
 * Who takes part when sessions live in Redis. Each entrant has a client of its own, with that client's default settings, as an
 * application would make it: nobody's commands share a write with somebody else's. The floor and the peer in its leanest setting go
 * without the one default that costs most.
 */
import { createRequire } from 'node:module';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { cached } from 'sojourn/cached';
import { type RedisClient, redis } from 'sojourn/redis';
import { controls, type Entrant, sojournEntrant } from '../http/entrants.js';
import { expressSessionEntrant, type ForeignStore } from '../http/express-session.js';
import type { FieldName } from '../http/fields.js';
import { oneTripFloor } from './floor.js';

const HOST = '127.0.0.1';
/** node-redis 6 makes an AbortSignal for every command by default, to give up what it could not write: about 8 us each. */
const LEAN = { commandOptions: { timeout: undefined } };

export interface ConnectRedis {
  readonly RedisStore: new (options: object) => ForeignStore;
}

export function redisEntrants(field: FieldName, port: number): Promise<Entrant[]> {
  return field === 'ioredis' ? overIoredis(port) : overNodeRedis(port);
}

/** A client of its own for a program that is not an entrant. */
export async function clientFor(field: FieldName, port: number): Promise<{ client: RedisClient; close(): void }> {
  if (field === 'ioredis') {
    const client = new Redis({ port, host: HOST }).on('error', complain);
    return { client, close: () => client.disconnect() };
  }
  const client = createClient({ socket: { port, host: HOST } });
  client.on('error', complain);
  await client.connect();
  return { client, close: () => client.destroy() };
}

async function overNodeRedis(port: number): Promise<Entrant[]> {
  const client = (commandOptions = {}) => {
    const made = createClient({ socket: { port, host: HOST }, ...commandOptions });
    made.on('error', complain);
    return made.connect();
  };
  // Without its types: they ask for those of express-session, see there.
  const { RedisStore } = createRequire(import.meta.url)('connect-redis') as ConnectRedis;
  const floor = await client(LEAN);
  return [
    ...controls(),
    await oneTripFloor((args) => floor.sendCommand(args)),
    expressSessionEntrant('express-session + connect-redis', new RedisStore({ client: await client() })),
    expressSessionEntrant(
      'express-session + connect-redis, disableTouch',
      new RedisStore({ client: await client(LEAN), prefix: 'untouched:', disableTouch: true }),
    ),
    ...sojournEntrants(await client(), await client()),
  ];
}

async function overIoredis(port: number): Promise<Entrant[]> {
  const client = () => new Redis({ port, host: HOST }).on('error', complain);
  const floor = client();
  return [
    ...controls(),
    await oneTripFloor(([name, ...args]) => floor.call(name!, ...args)),
    ...sojournEntrants(client(), client()),
  ];
}

/** Two applications, so that neither meets the other's sessions. */
function sojournEntrants(cold: RedisClient, hot: RedisClient): Entrant[] {
  return [
    sojournEntrant('sojourn + redis', redis(cold, { prefix: 'cold:' })),
    sojournEntrant('sojourn + cached redis', cached(redis(hot, { prefix: 'hot:' }))),
  ];
}

function complain(error: unknown): void {
  process.stderr.write(`${error}\n`);
}
