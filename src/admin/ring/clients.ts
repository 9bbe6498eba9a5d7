/**
 * Connections to Redis by whatever client is installed beside the application: redis, ioredis or iovalkey, in this order.
 *
 * It is looked for where this package lies, and then where the tool was called, so it is found from a project's folder as well as
 * through npx. No client is a dependency of this package: it would be another major version than the application's. A server that does
 * not answer is no error here; its client goes on trying, and the ring says that the node is down.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RedisClient } from '../../stores/redis.js';
import type { Refusal } from '../command.js';

export interface Connection {
  readonly client: RedisClient;
  /** Resolves when it is there, or when it has been waited for long enough. */
  readonly ready: Promise<void>;
  close(): void;
}

/** How a client connects. */
export type Connect = (url: string) => Connection;

const CONNECT_MS = 1000;
const PATIENCE_MS = 2000;
const PAUSE_MS = 200;

export async function installedClient(): Promise<Connect | Refusal> {
  for (const [name, connects] of CLIENTS) {
    const found = await imported(name);
    if (found !== undefined) return connects(found);
  }
  return {
    refused:
      'no Redis client is installed here, and one is needed to ask the nodes; npm install redis (or ioredis), or call the tool in the folder of the application',
  };
}

// What is called of the three packages, and nothing else.
interface NodeRedis {
  readonly createClient: (options: object) => RedisClient & {
    on(event: 'error', listener: () => void): unknown;
    connect(): Promise<unknown>;
    destroy(): unknown;
  };
}
interface IoRedis {
  readonly Redis: new (
    url: string,
    options: object,
  ) => RedisClient & {
    on(event: 'error', listener: () => void): unknown;
    connect(): Promise<unknown>;
    disconnect(): void;
  };
}

const CLIENTS: readonly (readonly [name: string, connects: (found: unknown) => Connect])[] = [
  ['redis', (found) => byNodeRedis(found as NodeRedis)],
  ['ioredis', (found) => byIoRedis(found as IoRedis)],
  ['iovalkey', (found) => byIoRedis(found as IoRedis)],
];

const byNodeRedis =
  ({ createClient }: NodeRedis): Connect =>
  (url) => {
    const socket = { connectTimeout: CONNECT_MS, reconnectStrategy: () => PAUSE_MS };
    const client = createClient({ url: url.replace(/^valkey/, 'redis'), socket, disableOfflineQueue: true });
    const refused = new Promise<void>((resolve) => void client.on('error', () => resolve()));
    return { client, ready: soon(refused, client.connect()), close: () => void client.destroy() };
  };

const byIoRedis =
  ({ Redis }: IoRedis): Connect =>
  (url) => {
    const client = new Redis(url.replace(/^valkey/, 'redis'), {
      lazyConnect: true,
      enableOfflineQueue: false,
      connectTimeout: CONNECT_MS,
      retryStrategy: () => PAUSE_MS,
    });
    const refused = new Promise<void>((resolve) => void client.on('error', () => resolve()));
    return { client, ready: soon(refused, client.connect()), close: () => client.disconnect() };
  };

async function imported(name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  try {
    return await import(pathToFileURL(createRequire(join(process.cwd(), 'sojourn.js')).resolve(name)).href);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return undefined;
  }
}

function isAbsent(error: unknown): boolean {
  return ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(String((error as { code?: unknown } | null)?.code));
}

/** Connected, refused, or waited for long enough. */
function soon(refused: Promise<void>, connected: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    connected.then(done, done);
    void refused.then(done);
  });
}
