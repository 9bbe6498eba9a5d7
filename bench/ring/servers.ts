/**
 * Redis servers and connections for a ring on one machine, and the session that is written to it.
 *
 * They run wherever the scheduler puts them: two copies cost a ring's nodes nothing in each other's time, and bound to one core they
 * would.
 */
import { randomBytes } from 'node:crypto';
import { createClient } from 'redis';
import { type Delta, json, type Stored } from 'sojourn';
import { type RedisServer, startRedis } from '../redis/server.js';
import { sample } from '../support/sample.js';

export type Client = Awaited<ReturnType<typeof connect>>;

export interface Server extends RedisServer {
  readonly client: Client;
}

const HOUR_MS = 3_600_000;
const codec = json();

export async function servers(count: number): Promise<Server[]> {
  return Promise.all(Array.from({ length: count }, () => server()));
}

export async function server(): Promise<Server> {
  const own = await startRedis();
  const client = await connect(own.port);
  return {
    ...own,
    client,
    stop() {
      client.destroy();
      return own.stop();
    },
  };
}

export async function connect(port: number) {
  const client = createClient({ socket: { port, host: '127.0.0.1' } });
  client.on('error', () => {});
  await client.connect();
  return client;
}

export function freshId(): string {
  return randomBytes(16).toString('base64url');
}

export function session(): Stored {
  const head = {
    createdAt: Date.now(),
    expiresAt: Date.now() + HOUR_MS,
    version: 1,
    generation: 0,
    secret: randomBytes(32),
  };
  return { head, fields: new Map(Object.entries(sample()).map(([name, value]) => [name, codec.encode(value)])) };
}

/** What most requests write: one small field. */
export function click(n: number): Delta {
  const fields = new Map([['views', { op: 'set', value: codec.encode(n) } as const]]);
  return { generation: 0, head: { expiresAt: Date.now() + HOUR_MS }, fields };
}
