/**
 * The door of node-redis 5 and 6: single client, pool, cluster, sentinel.
 *
 * All four send raw commands, each with other arguments in front, and decode replies by a mapping that a call can bring along. Ours
 * asks for bytes wherever text may come. Raw commands are sent to masters only, also where the client is set to read from replicas: a
 * session read from a replica could be older than the user's last write. Rejected: the typed commands (`client.get`), which
 * change their replies between majors.
 */
import type { Argument, Door, Node, Reply } from '../door.js';
import { provedMasters } from './ownership.js';
import { plain } from './plain.js';
import { type Reconnectable, reconnectionOf } from './reconnection.js';
import { type Relearning, relearn, relearnWhileReconnecting } from './relearn.js';
import { closed, connecting, isReply, refusedSetting } from './trouble.js';

/** Any of the four. What they share, and what tells them apart. */
export interface NodeRedis {
  readonly isOpen: boolean;
  readonly options?: { readonly keyPrefix?: unknown; readonly socket?: Address };
  readonly _keyPrefix?: unknown;
  readonly idleClients?: number;
  on(event: 'error', listener: () => void): unknown;
}

type Address = { readonly host?: string; readonly port?: number; readonly path?: string };

interface Single extends NodeRedis, Omit<Reconnectable, 'on'> {
  sendCommand(args: readonly Argument[], options: object): Promise<unknown>;
}

interface Pool extends NodeRedis {
  execute<R>(run: (client: Single) => Promise<R>): Promise<R>;
}

interface Sentinel extends NodeRedis {
  sendCommand(isReadonly: boolean, args: readonly Argument[], options: object): Promise<unknown>;
  getMasterNode(): Address | undefined;
  /** Not documented; also what its own methods do. */
  _execute?(isReadonly: boolean, run: (client: Single) => unknown): Promise<unknown>;
}

interface Cluster extends NodeRedis, Omit<Relearning, 'on'> {
  on(event: 'error' | 'node-reconnecting', listener: () => void): unknown;
  readonly masters: readonly ClusterMaster[];
  nodeClient(master: ClusterMaster): Promise<Single>;
}

type ClusterMaster = Relearning['masters'][number] & { readonly address: string };

export function nodeRedisDoor(client: NodeRedis): Door {
  if ((client._keyPrefix ?? client.options?.keyPrefix) !== undefined)
    throw refusedSetting('keyPrefix', 'name the prefix as an option of redis() instead');
  outliveErrors(client);
  if (isCluster(client)) return clusterDoor(client);
  if (isSentinel(client)) return sentinelDoor(client);
  return isPool(client) ? poolDoor(client) : singleDoor(client as Single);
}

function isCluster(client: NodeRedis): client is Cluster {
  return 'nodeClient' in client;
}

function isSentinel(client: NodeRedis): client is Sentinel {
  return 'getMasterNode' in client;
}

function isPool(client: NodeRedis): client is Pool {
  return client.idleClients !== undefined && 'execute' in client;
}

const heard = new WeakSet<NodeRedis>();

/** An error event without a listener would end the process. One listener per client, however many stores stand on it. */
function outliveErrors(client: NodeRedis): void {
  if (heard.has(client)) return;
  heard.add(client);
  client.on('error', () => {});
}

/** Types of RESP by their first byte. Text of any kind comes as bytes, a double as its digits, a map as a flat list: as in RESP2. */
const asRESP2 = {
  typeMapping: {
    [code('$')]: Buffer,
    [code('+')]: Buffer,
    [code('=')]: Buffer,
    [code(',')]: String,
    [code('%')]: Array,
  },
};

function code(type: string): number {
  return type.charCodeAt(0);
}

function oneServer(send: (args: readonly Argument[]) => Promise<Reply>, name: () => string, renew: () => void): Door {
  const node: Node = {
    get name() {
      return name();
    },
    send,
  };
  return {
    client: 'node-redis',
    isCluster: false,
    send: (_key, args) => send(args),
    masters: async () => [node],
    renew,
  };
}

/**
 * For a client that is connected: without the five seconds after which release 6 gives up a command that it has not sent yet. They cost an
 * AbortSignal for each command, more CPU than all else that sending takes; and a connected client sends at once.
 */
const atOnce = { ...asRESP2, timeout: undefined };

function singleDoor(client: Single): Door {
  const send = (args: readonly Argument[]) =>
    settled(client, () => client.sendCommand(args, client.isReady ? atOnce : asRESP2));
  const reconnection = reconnectionOf(client as unknown as Reconnectable);
  return oneServer(
    send,
    () => addressOf(client.options?.socket),
    () => reconnection.renew(),
  );
}

/** The pool does not show its connections, but lends them: those that have not answered us yet are the ones that may be dead. */
function poolDoor(client: Pool): Door {
  const silent = new Map<Single, number>();
  const count = (each: Single, change: number): void => {
    const left = (silent.get(each) ?? 0) + change;
    if (left > 0) silent.set(each, left);
    else silent.delete(each);
  };
  const ask = (args: readonly Argument[]) => async (each: Single) => {
    count(each, 1);
    try {
      return await each.sendCommand(args, each.isReady ? atOnce : asRESP2);
    } finally {
      count(each, -1);
    }
  };
  return oneServer(
    (args) => settled(client, () => client.execute(ask(args))),
    () => 'the pool',
    () => {
      for (const each of silent.keys()) renewNode(each);
    },
  );
}

function renewNode(node: unknown): void {
  reconnectionOf(node as Reconnectable).renew();
}

/**
 * A sentinel client borrows a connection for as long as any command is under way, and commands share it, except those
 * that begin in the very tick in which it is borrowed: they wait for a connection of their own, and with the default of one they wait
 * until there is a moment without any command, which on a busy server never comes. So commands begin one after the other.
 */
function sentinelDoor(client: Sentinel): Door {
  const send = inTurn((args) => settled(client, () => client.sendCommand(false, args, asRESP2)));
  // The connection to the master, as it lends it. Those to the sentinels it checks and replaces itself.
  const renew = (): void => void client._execute?.(false, renewNode).catch(() => {});
  return oneServer(send, () => addressOf(client.getMasterNode()), renew);
}

function inTurn(send: (args: readonly Argument[]) => Promise<Reply>): (args: readonly Argument[]) => Promise<Reply> {
  let turn = Promise.resolve();
  return (args) => {
    const reply = turn.then(() => send(args));
    turn = turn.then(nothing).then(nothing);
    return reply;
  };
}

function nothing(): void {}

function clusterDoor(client: Cluster): Door {
  let sample = 'sojourn';
  relearnWhileReconnecting(client, () => sample);
  const send = (key: string, args: readonly Argument[]) => {
    sample = key;
    return settled(client, () => client.sendCommand(key, false, args, asRESP2), client.masters.length === 0);
  };
  const node = async (master: ClusterMaster): Promise<Node> => {
    if (!(await client.nodeClient(master)).isReady) throw new Error(`${master.address} does not answer`);
    return {
      name: master.address,
      send: (args) => settled(client, async () => (await client.nodeClient(master)).sendCommand(args, asRESP2)),
    };
  };
  return {
    client: 'node-redis',
    isCluster: true,
    send,
    async masters() {
      if (client.masters.length === 0) throw client.isOpen ? connecting() : closed();
      return provedMasters(
        () => Promise.all(client.masters.map(node)),
        () => relearn(client, sample),
      );
    },
    renew() {
      for (const { client: node } of client.masters) if (node) renewNode(node);
    },
  };
}

/** The reply in RESP2's terms. An error that only says that the client was not usable becomes ours; all others stay as they are. */
async function settled(client: NodeRedis, call: () => Promise<unknown>, isConnecting = false): Promise<Reply> {
  try {
    return plain(await call());
  } catch (error) {
    if (isReply(error)) throw error;
    if (!client.isOpen) throw closed(error);
    throw isConnecting ? connecting(error) : error;
  }
}

function addressOf(address: Address | undefined): string {
  return address?.path ?? `${address?.host ?? 'localhost'}:${address?.port ?? 6379}`;
}
