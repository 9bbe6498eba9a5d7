/**
 * The door of ioredis 5 and 6, and of iovalkey, its fork: single client (with sentinels too) and Cluster.
 *
 * Commands are made with `createBuiltinCommand(name).buffer`, the client's own way of making its methods: replies come as bytes,
 * and such a command never goes through auto-pipelining. There `callBuffer` loses the name of the command (the first argument becomes
 * the name), and some releases sort the commands of a cluster by their first argument, which for EVALSHA is not a key. Names are in
 * lower case, since some releases look their keys up by that. The cluster client finds the slot in the command itself.
 */
import type { Argument, Door, Node, Reply } from '../door.js';
import { provedMasters } from './ownership.js';
import { plain } from './plain.js';
import { closed, isReply, refusedSetting } from './trouble.js';

/** `new Redis()` or `new Cluster()`. */
export interface IoRedis {
  readonly status: string;
  readonly manuallyClosing?: boolean;
  readonly stream?: { destroy(): unknown } | null;
  readonly isCluster?: boolean;
  readonly options: Settings & { readonly scaleReads?: unknown; readonly redisOptions?: Settings };
  createBuiltinCommand(name: string): { readonly buffer: (...args: readonly Argument[]) => Promise<unknown> };
}

interface Settings {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string | null;
  readonly name?: string | null;
  readonly sentinels?: readonly unknown[] | null;
  readonly keyPrefix?: unknown;
  readonly stringNumbers?: unknown;
}

interface Cluster extends IoRedis {
  nodes(role: 'master' | 'all'): readonly IoRedis[];
  refreshSlotsCache(done: (error?: unknown) => void): void;
}

export function ioredisDoor(client: IoRedis): Door {
  refuseSettings(client);
  if (client.isCluster === true) return clusterDoor(client as Cluster);
  const node = nodeOf(client);
  const send = (_key: string, args: readonly Argument[]) => node.send(args);
  return {
    client: 'ioredis',
    isCluster: false,
    send,
    masters: async () => [node],
    renew: () => dropConnection(client),
  };
}

/** What would make sessions wrong. The remedy is a client of their own: `client.duplicate({ ... })`. */
function refuseSettings({ isCluster, options }: IoRedis): void {
  const all = [options, options.redisOptions ?? {}];
  if (all.some(({ keyPrefix }) => keyPrefix))
    throw refusedSetting('keyPrefix', 'name the prefix as an option of redis() instead');
  if (all.some(({ stringNumbers }) => stringNumbers))
    throw refusedSetting('stringNumbers', 'counts would arrive as text');
  if (isCluster && options.scaleReads !== undefined && options.scaleReads !== 'master')
    throw refusedSetting('scaleReads', 'a session read from a replica may be older than its last write');
}

function clusterDoor(client: Cluster): Door {
  const send = sender(client);
  const refresh = () => new Promise<void>((resolve) => client.refreshSlotsCache(() => resolve()));
  return {
    client: 'ioredis',
    isCluster: true,
    send: (_key, args) => send(args),
    async masters() {
      // Before it is ready its "masters" are the addresses it was given. Any command waits until then, or fails.
      if (client.status !== 'ready') await send(['PING']);
      return provedMasters(async () => client.nodes('master').map(nodeOf), refresh);
    },
    renew() {
      if (!isClosed(client)) client.nodes('all').forEach(dropConnection);
    },
  };
}

function nodeOf(client: IoRedis): Node {
  return { name: nameOf(client.options), send: sender(client) };
}

function sender(client: IoRedis): (args: readonly Argument[]) => Promise<Reply> {
  const commands = new Map<string, (...args: readonly Argument[]) => Promise<unknown>>();
  return async ([name = '', ...args]) => {
    if (isAbandoned(client)) throw closed();
    const lower = String(name).toLowerCase();
    let command = commands.get(lower);
    if (!command) {
      command = client.createBuiltinCommand(lower).buffer;
      commands.set(lower, command); // bounded: names stand in our own source
    }
    try {
      return plain(await command.apply(client, args));
    } catch (error) {
      throw isClosed(client) && !isReply(error) ? closed(error) : error;
    }
  };
}

/** By its owner, rather than by an outage: `quit()` or `disconnect()`, under way or done. */
function isClosed(client: IoRedis): boolean {
  return client.status === 'end' || client.manuallyClosing === true;
}

/**
 * The client makes another, after a pause of its own settings. Not by `disconnect(true)`, which says goodbye first, and on a dead
 * connection waits two seconds for the answer. One that is not connected yet has its own time limit.
 */
function dropConnection(client: IoRedis): void {
  if (!isClosed(client) && (client.status === 'ready' || client.status === 'connect')) client.stream?.destroy();
}

/** Disconnected while it was reconnecting: it stays in that state, and would keep commands for ever. */
function isAbandoned(client: IoRedis): boolean {
  return client.manuallyClosing === true && client.status === 'reconnecting';
}

function nameOf({ sentinels, name, path, host, port }: Settings): string {
  if (sentinels) return `${name}, known to the sentinels`;
  return path ?? `${host ?? 'localhost'}:${port ?? 6379}`;
}
