/**
 * What stands in SESSIONS, read into data: `lmdb:./data/sessions`, `redis://127.0.0.1:6379`, `rediss://` for TLS, and
 * `redis+cluster://h1:7000,h2:7001`. It opens nothing.
 *
 * It is apart from stores.ts so that whoever only has to say where sessions live needs neither LMDB nor Redis. An address may hold
 * a password. Nothing that this file says does: neither the words for people, nor the errors.
 */

export type SessionsAddress = LmdbAddress | RedisAddress;

export interface LmdbAddress {
  readonly kind: 'lmdb';
  readonly folder: string;
}

export interface RedisAddress {
  readonly kind: 'redis' | 'redis-cluster';
  /** One, or of a cluster any that are known; the client finds the others. */
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  readonly database: number;
  readonly username?: string;
  readonly password?: string;
}

const DEFAULT_PORT = 6379;
const KNOWN = ['lmdb', 'redis', 'rediss', 'redis+cluster', 'rediss+cluster'];

/** Throws an error whose message is for the person who wrote the address. */
export function readAddress(address: string): SessionsAddress {
  const [, kind = 'lmdb', where = ''] = /^(?:([a-z][a-z0-9+-]+):)?(.*)$/s.exec(address) ?? [];
  if (!KNOWN.includes(kind) || where === '') {
    throw new Error(`SESSIONS=${shown(address)}: wanted <kind>:<where>. Known kinds: ${KNOWN.join(', ')}.`);
  }
  return kind === 'lmdb' ? { kind, folder: where } : readRedis(kind, where);
}

/** For people: "LMDB in ./data/sessions", "Redis at 127.0.0.1:6379/2 over TLS". */
export function placeInWords(address: SessionsAddress): string {
  if (address.kind === 'lmdb') return `LMDB in ${address.folder}`;
  const servers = address.servers.map(({ host, port }) => `${host}:${port}`).join(', ');
  const database = address.database === 0 ? '' : `/${address.database}`;
  return `${address.kind === 'redis' ? 'Redis' : 'Redis Cluster'} at ${servers}${database}${address.tls ? ' over TLS' : ''}`;
}

/** The same, and how the servers share it. */
export function sharingInWords(address: SessionsAddress): string {
  const how = address.kind === 'lmdb' ? 'shared by all servers' : 'near cache in each server';
  return `${placeInWords(address)}, ${how}`;
}

const REDIS_FORM = 'redis://[[user]:password@]host[:port][/database]';
const CLUSTER_FORM = 'redis+cluster://[[user]:password@]host:port,host:port';

function readRedis(scheme: string, where: string): RedisAddress {
  const isCluster = scheme.endsWith('+cluster');
  const wanted = `SESSIONS=${scheme}:...: wanted ${isCluster ? CLUSTER_FORM : REDIS_FORM}`;
  const [, credentials = '', hosts = '', path = ''] = /^\/\/(?:(.*)@)?([^/@]*)(.*)$/s.exec(where) ?? [];
  const servers = hosts.split(',').map((host) => readServer(host, wanted));
  if (servers.length > 1 && !isCluster) throw new Error(`${wanted}; several servers are redis+cluster.`);
  if (!(isCluster ? /^\/?$/ : /^(\/\d*)?$/).test(path)) {
    throw new Error(`${wanted}; ${isCluster ? 'a cluster has one database' : 'the database is a number'}.`);
  }
  return {
    kind: isCluster ? 'redis-cluster' : 'redis',
    servers,
    tls: scheme.startsWith('rediss'),
    database: Number(path.slice(1)),
    ...readCredentials(credentials, wanted),
  };
}

function readServer(text: string, wanted: string): RedisAddress['servers'][number] {
  // The platform's own rules for hosts and ports, with IPv6 in brackets.
  const url = URL.canParse(`redis://${text}`) ? new URL(`redis://${text}`) : undefined;
  if (!url?.hostname || url.search !== '' || url.hash !== '') throw new Error(`${wanted}.`);
  return { host: url.hostname, port: url.port === '' ? DEFAULT_PORT : Number(url.port) };
}

function readCredentials(text: string, wanted: string): { username?: string; password?: string } {
  const [username = '', password = ''] = text.split(/:(.*)/s);
  try {
    return {
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
    };
  } catch {
    throw new Error(`${wanted}; a % in a password is written %25.`);
  }
}

/** As it was written, without what may be a password. */
function shown(address: string): string {
  return address.replace(/:.*@/s, ':***@').replace(/\?.*/s, '?***');
}
