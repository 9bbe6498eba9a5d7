/**
 * Links for ioredis 5 and 6 and iovalkey: one connection that reads and writes, and one that is told.
 *
 * These libraries drop invalidations that are pushed (RESP3), so tracking is redirected to a second connection that subscribes
 * `__redis__:invalidate` (RESP2). Only both together are a link. If the second dies, messages go nowhere; if the first dies, the
 * server forgets in silence what it had read (redis/redis#11767, #13082). So the loss of either is the loss of both, and a beat
 * asks both: the pong of the first proves that the server still tracks for it, the pong of the second that all was delivered.
 *
 * The second connection is named to the server by a number, and numbers repeat on every server: during a failover the two could
 * end up on different ones. Hence the look at the run id.
 */
import { plain } from './clients/plain.js';
import type { Argument, Reply } from './door.js';
import { checkPong, type Dial, type Dialing, type Link, type LinkEvents } from './link.js';

/** What we use of an ioredis or iovalkey client. */
interface IoRedis {
  readonly options: {
    readonly host?: string;
    readonly port?: number;
    readonly path?: string | null;
    readonly db?: number;
  };
  readonly serverInfo?: { readonly run_id?: string };
  readonly stream?: {
    readonly remoteAddress?: string;
    readonly remotePort?: number;
    readonly writable?: boolean;
    unref?(): void;
  } | null;
  duplicate(overrides: object): IoRedis;
  connect(): Promise<unknown>;
  callBuffer(command: string, ...args: readonly Argument[]): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  ping(): Promise<unknown>;
  on(event: string, listener: (...args: never[]) => void): unknown;
  disconnect(): void;
}

interface IoRedisCluster {
  nodes(role: 'master'): readonly IoRedis[];
}

export function ioredisDialing(client: object): Dialing {
  return {
    database: (client as IoRedis).options.db ?? 0,
    async dials(database) {
      const connections = 'nodes' in client ? (client as IoRedisCluster).nodes('master') : [client as IoRedis];
      return connections.map(
        (parent): Dial =>
          (events) =>
            new RedirectLink(parent, database, events),
      );
    },
  };
}

/** Where Redis publishes invalidations for clients that asked to have them redirected. */
const INVALIDATIONS = '__redis__:invalidate';

/** Nothing that comes back by itself, and nothing that waits for it. */
const ONCE = {
  lazyConnect: true,
  protocol: 2,
  enableOfflineQueue: false,
  enableAutoPipelining: false, // takes the first key for the command's name when the command is given to `callBuffer`
  enableReadyCheck: true, // brings the run id, and waits for a server that is loading
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: null,
  commandTimeout: undefined,
  retryStrategy: () => null,
  sentinelRetryStrategy: () => null,
  reconnectOnError: null,
};

class RedirectLink implements Link {
  readonly name: string;
  isUp = false;
  readonly #parent: IoRedis;
  readonly #data: IoRedis;
  readonly #told: IoRedis;
  readonly #database: number;
  readonly #events: LinkEvents;
  #trouble: unknown;
  #closed = false;

  constructor(parent: IoRedis, database: number, events: LinkEvents) {
    const { host = 'localhost', port = 6379, path } = parent.options;
    this.name = path ?? `${host}:${port}`;
    this.#parent = parent;
    this.#database = database;
    this.#events = events;
    this.#data = parent.duplicate(ONCE);
    this.#told = parent.duplicate(ONCE);
    for (const connection of [this.#data, this.#told]) {
      connection.on('connect', () => connection.stream?.unref?.());
      connection.on('error', (error: unknown) => {
        this.#trouble = error;
        if (this.isUp) this.#lose(); // a reply too many, for which it would not close
      });
      connection.on('close', () => this.#lose());
      connection.on('end', () => this.#lose());
    }
    this.#told.on('messageBuffer', (channel: Buffer, payload: Payload) => this.#hear(String(channel), payload));
  }

  /** A client whose sentinels sent it elsewhere. While it has no connection, nobody knows. */
  get isCurrent(): boolean {
    const theirs = this.#parent.stream?.remotePort;
    return theirs === undefined || theirs === this.#data.stream?.remotePort;
  }

  async open(): Promise<void> {
    await Promise.all([this.#data.connect(), this.#told.connect()]);
    if (!isSameServer(this.#data, this.#told))
      throw new Error('The two connections of a link reached different servers.');
    if (this.#database !== (this.#data.options.db ?? 0)) await this.#data.callBuffer('SELECT', String(this.#database));
    const id = String(await this.#told.callBuffer('CLIENT', 'ID'));
    await this.#told.subscribe(INVALIDATIONS);
    await this.#data.callBuffer('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id);
    if (this.#closed) throw new Error('The connection was lost while it was opened.', { cause: this.#trouble });
    this.isUp = true;
  }

  async send([command, ...args]: readonly Argument[]): Promise<Reply> {
    try {
      return plain(await this.#data.callBuffer(String(command), ...args));
    } catch (error) {
      // A reset shows here before any event does: commands are refused that were never sent.
      if (this.#data.stream?.writable === false) this.#lose();
      throw error;
    }
  }

  async beat(token: string): Promise<void> {
    // iovalkey lets a subscriber ping by this method only.
    const [pong] = await Promise.all([this.#data.callBuffer('PING', token), this.#told.ping()]);
    checkPong(pong, token);
  }

  async subscribe(channel: string): Promise<void> {
    await this.#told.subscribe(channel);
  }

  close(): void {
    this.#closed = true;
    this.isUp = false;
    this.#data.disconnect();
    this.#told.disconnect();
  }

  #hear(channel: string, payload: Payload): void {
    if (this.#closed) return;
    if (channel !== INVALIDATIONS) this.#events.message(channel, String(payload));
    else if (payload === null) this.#events.invalidated(null);
    else for (const key of Array.isArray(payload) ? payload : [payload]) this.#events.invalidated(String(key));
  }

  #lose(): void {
    if (this.#closed) return;
    this.close();
    this.#events.lost(this.#trouble ?? new Error('The connection was closed.'));
  }
}

type Payload = Buffer | readonly Buffer[] | null;

/** By run id; where the server does not tell it (ACL without INFO), by address, which a proxy may share among servers. */
function isSameServer(one: IoRedis, other: IoRedis): boolean {
  const [a, b] = [one.serverInfo?.run_id, other.serverInfo?.run_id];
  if (a !== undefined && b !== undefined) return a === b;
  return (
    one.stream?.remoteAddress === other.stream?.remoteAddress && one.stream?.remotePort === other.stream?.remotePort
  );
}
