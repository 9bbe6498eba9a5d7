/**
 * Links for node-redis 5 and 6: one RESP3 connection that reads, writes and is told by push.
 *
 * `emitInvalidate` makes the library ask for tracking when it connects, and hand pushes to an event. Subscriptions live on the same
 * connection. Replies and pushes arrive in the order in which the server wrote them, so its pong
 * proves everything. Not used: the library's own cache (`clientSideCache`), which serves old values while a link is half open, and
 * maintenance notices, which move a client to another socket behind our back. From a sentinel and from a pool we get at a real
 * connection, to duplicate it, only by `_execute` and `execute`; without these there are no links.
 */
import { plain } from './clients/plain.js';
import type { Argument, Reply } from './door.js';
import { checkPong, type Dial, type Dialing, type Link, type LinkEvents } from './link.js';

/** What we use of a node-redis client. */
interface NodeRedis {
  readonly options?: { readonly socket?: Address; readonly database?: number };
  duplicate(overrides: object): NodeRedis;
  connect(): Promise<unknown>;
  sendCommand(args: readonly Argument[]): Promise<unknown>;
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>;
  on(event: string, listener: (argument: never) => void): unknown;
  unref(): void;
  destroy(): void;
}

type Address = { readonly host?: string; readonly port?: number; readonly path?: string };

/** createCluster. */
interface NodeRedisCluster {
  readonly masters: readonly object[];
  nodeClient(master: object): Promise<NodeRedis>;
}

/** createSentinel and createClientPool. */
interface NodeRedisSentinel {
  getMasterNode(): Address | undefined;
  _execute<R>(isReadonly: boolean, run: (client: NodeRedis) => R): Promise<Awaited<R>>;
}
interface NodeRedisPool {
  execute<R>(run: (client: NodeRedis) => R): Promise<Awaited<R>>;
}

export function nodeRedisDialing(client: object): Dialing {
  return {
    database: (client as NodeRedis).options?.database ?? 0,
    async dials(database) {
      if ('nodeClient' in client) {
        const cluster = client as NodeRedisCluster;
        const masters = await Promise.all(cluster.masters.map((master) => cluster.nodeClient(master)));
        return masters.map((each) => dial(each, database));
      }
      // The functions must not hand out promises: the library would keep its connection until they settle.
      if ('getMasterNode' in client) return [await sentinelDial(client as NodeRedisSentinel, database)];
      if ('execute' in client) return [dial(await (client as NodeRedisPool).execute((each) => each), database)];
      return [dial(client as NodeRedis, database)];
    },
  };
}

function dial(parent: NodeRedis, database: number, isCurrent: () => boolean = () => true): Dial {
  return (events) => new PushLink(parent, database, isCurrent, events);
}

async function sentinelDial(sentinel: NodeRedisSentinel, database: number): Promise<Dial> {
  const now = () => nameOf(sentinel.getMasterNode());
  const then = now();
  return dial(await sentinel._execute(false, (each) => each), database, () => now() === then);
}

function nameOf(address: Address | undefined): string {
  return address?.path ?? `${address?.host ?? 'localhost'}:${address?.port ?? 6379}`;
}

/** Bulk strings and simple strings arrive as bytes, like from the door. */
const AS_BYTES = { ['$'.charCodeAt(0)]: Buffer, ['+'.charCodeAt(0)]: Buffer };

class PushLink implements Link {
  readonly name: string;
  isUp = false;
  readonly #client: NodeRedis;
  readonly #database: number;
  readonly #isCurrent: () => boolean;
  readonly #events: LinkEvents;
  #closed = false;

  constructor(parent: NodeRedis, database: number, isCurrent: () => boolean, events: LinkEvents) {
    const { socket } = parent.options ?? {};
    this.name = nameOf(socket);
    this.#database = database;
    this.#isCurrent = isCurrent;
    this.#events = events;
    this.#client = parent.duplicate({
      RESP: 3,
      emitInvalidate: true,
      clientSideCache: undefined,
      maintNotifications: 'disabled',
      disableOfflineQueue: true,
      commandsQueueMaxLength: undefined,
      pingInterval: undefined,
      // Version 6 would otherwise start a timer of 5 s for each command.
      commandOptions: { timeout: undefined, typeMapping: AS_BYTES },
      socket: { ...socket, reconnectStrategy: false },
    });
    this.#client.on('error', (error) => this.#lose(error));
    this.#client.on('end', () => this.#lose(new Error('The connection ended.')));
    this.#client.on('invalidate', (key: Buffer | string | null) => {
      if (!this.#closed) events.invalidated(key === null ? null : String(key));
    });
  }

  get isCurrent(): boolean {
    return this.#isCurrent();
  }

  async open(): Promise<void> {
    this.#client.unref();
    await this.#client.connect();
    if (this.#database !== this.#configured) await this.#client.sendCommand(['SELECT', String(this.#database)]);
    if (this.#closed) throw new Error('The connection was lost while it was opened.');
    this.isUp = true;
  }

  get #configured(): number {
    return this.#client.options?.database ?? 0;
  }

  async send(args: readonly Argument[]): Promise<Reply> {
    return plain(await this.#client.sendCommand(args));
  }

  async beat(token: string): Promise<void> {
    checkPong(await this.#client.sendCommand(['PING', token]), token);
  }

  async subscribe(channel: string): Promise<void> {
    await this.#client.subscribe(channel, (message, from) => {
      if (!this.#closed) this.#events.message(from, message);
    });
  }

  close(): void {
    this.#closed = true;
    this.isUp = false;
    try {
      this.#client.destroy();
    } catch {
      // Version 5 objects when there is nothing left to destroy.
    }
  }

  #lose(cause: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#events.lost(cause);
  }
}
