/**
 * What stands in SESSIONS, read into data: `lmdb:./data/sessions`, `redis://127.0.0.1:6379`, `rediss://` for TLS,
 * `redis+cluster://h1:7000,h2:7001`, and `ring:one=redis://h1?weight=15,two=redis://h2?weight=20`; `file:./data/sessions`, and databases:
 * `sqlite:./data/sessions.db`, `postgres://`, `mysql://`, `mongodb://`, `memcached://`; `cookie`, or `cookie:<another place>`, which then
 * keeps no more than who was signed out. It opens nothing.
 *
 * It is apart from stores.ts so that whoever only has to say where sessions live needs neither LMDB nor Redis. An address may hold
 * a password. Nothing that this file says does: neither the words for people, nor the errors.
 */

export type SessionsAddress = PlaceAddress | CookieAddress;
/** Where a store is. */
export type PlaceAddress = LmdbAddress | DatabaseAddress | RedisAddress | RingAddress;

/** Each visitor's browser has his session. */
export interface CookieAddress {
  readonly kind: 'cookie';
  /** Who keeps whom was signed out: without it a logout would not be heard on other servers. */
  readonly revocations: PlaceAddress;
}

export interface LmdbAddress {
  readonly kind: 'lmdb';
  readonly folder: string;
}

/** A place whose own client reads the address (databases.ts). */
export interface DatabaseAddress {
  readonly kind: (typeof DATABASES)[number];
  /** As it was written: it may hold a password. */
  readonly url: string;
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

export interface RingAddress {
  readonly kind: 'ring';
  readonly nodes: readonly RingNodeAddress[];
}

export interface RingNodeAddress {
  /** What the ring knows it by. A server that gets another address keeps its name, and its sessions stay where they are. */
  readonly name: string;
  readonly weight: number;
  readonly zone?: string;
  readonly server: RedisAddress;
}

const DEFAULT_PORT = 6379;
const DATABASES = ['file', 'sqlite', 'postgres', 'mysql', 'mongodb', 'memcached'] as const;
const KNOWN = ['lmdb', 'redis', 'rediss', 'redis+cluster', 'rediss+cluster', 'ring', ...DATABASES, 'cookie'];
const REVOCATIONS = './data/revocations';
const TITLES = {
  file: 'files',
  sqlite: 'SQLite',
  postgres: 'PostgreSQL',
  mysql: 'MySQL or MariaDB',
  mongodb: 'MongoDB',
  memcached: 'memcached',
};

/** Throws an error whose message is for the person who wrote the address. */
export function readAddress(address: string): SessionsAddress {
  const [, revocations] = /^cookie(?::(.*))?$/s.exec(address) ?? [];
  if (revocations === undefined && address !== 'cookie') return readPlace(address);
  return { kind: 'cookie', revocations: readPlace(revocations ?? REVOCATIONS) };
}

function readPlace(address: string): PlaceAddress {
  const [, kind = 'lmdb', where = ''] = /^(?:([a-z][a-z0-9+-]+):)?(.*)$/s.exec(address) ?? [];
  if (!KNOWN.includes(kind) || kind === 'cookie' || where === '') {
    throw new Error(`SESSIONS=${shown(address)}: wanted <kind>:<where>. Known kinds: ${KNOWN.join(', ')}.`);
  }
  if (kind === 'ring') return readRing(where);
  const database = DATABASES.find((known) => known === kind);
  if (database) return readDatabase(database, where);
  return kind === 'lmdb' ? { kind, folder: where } : readRedis(kind, where);
}

/** How many nodes have each session. */
export function copiesOf({ nodes }: RingAddress): number {
  return Math.min(2, nodes.length);
}

/** For people: "LMDB in ./data/sessions", "Redis at 127.0.0.1:6379/2 over TLS", "a ring of 3 Redis servers". */
export function placeInWords(address: SessionsAddress): string {
  if (address.kind === 'cookie') return "the visitors' cookies, encrypted";
  if (address.kind === 'lmdb') return `LMDB in ${address.folder}`;
  if (isDatabase(address)) return databaseInWords(address);
  if (address.kind === 'ring') return `a ring of ${address.nodes.length} Redis servers`;
  const servers = address.servers.map(({ host, port }) => `${host}:${port}`).join(', ');
  const database = address.database === 0 ? '' : `/${address.database}`;
  return `${address.kind === 'redis' ? 'Redis' : 'Redis Cluster'} at ${servers}${database}${address.tls ? ' over TLS' : ''}`;
}

/** The same, and how the servers share it. */
export function sharingInWords(address: SessionsAddress): string {
  if (address.kind === 'cookie')
    return `${placeInWords(address)}; who was signed out: ${sharingInWords(address.revocations)}`;
  const isShared = address.kind === 'lmdb' || isDatabase(address);
  const how = isShared ? 'shared by all servers' : 'near cache in each server';
  const copies = address.kind === 'ring' && copiesOf(address) === 2 ? ', two copies of each session' : '';
  return `${placeInWords(address)}${copies}, ${how}`;
}

function isDatabase(address: PlaceAddress): address is DatabaseAddress {
  return (DATABASES as readonly string[]).includes(address.kind);
}

const SERVER_FORM = '://[user:password@]host[:port]/database';
const SERVER_FORMS = {
  postgres: `postgres${SERVER_FORM}`,
  mysql: `mysql${SERVER_FORM}`,
  mongodb: `mongodb${SERVER_FORM}`,
  memcached: 'memcached://host[:port]',
};

function readDatabase(kind: DatabaseAddress['kind'], where: string): DatabaseAddress {
  const url = `${kind}:${where}`;
  const isFile = kind === 'file' || kind === 'sqlite';
  if (isFile ? where.startsWith('//') : !URL.canParse(url) || new URL(url).hostname === '') {
    const form = isFile ? `${kind}:./data/sessions` : SERVER_FORMS[kind];
    throw new Error(`SESSIONS=${kind}:...: wanted ${form}.`);
  }
  return { kind, url };
}

function databaseInWords({ kind, url }: DatabaseAddress): string {
  if (kind === 'file' || kind === 'sqlite') return `${TITLES[kind]} in ${url.slice(kind.length + 1)}`;
  const { host, pathname } = new URL(url);
  return `${TITLES[kind]} at ${host}${pathname}`;
}

const REDIS_FORM = 'redis://[[user]:password@]host[:port][/database]';
const CLUSTER_FORM = 'redis+cluster://[[user]:password@]host:port,host:port';

const RING_FORM = 'ring:name=redis://host:port?weight=15,name=redis://host:port?weight=20';

/** Nodes begin where a comma is followed by an address, so that a password may have commas in it. */
function readRing(where: string): RingAddress {
  const nodes = where.split(/,(?=(?:[^,=:/@?]+=)?rediss?:)/).map((node, i) => readRingNode(node, i + 1));
  const twin = nodes.find(({ name }, i) => nodes.findIndex((other) => other.name === name) < i);
  if (twin)
    throw new Error(
      `SESSIONS=ring:...: two nodes are called ${twin.name}; give each a name of its own, name=redis://...`,
    );
  return { kind: 'ring', nodes };
}

function readRingNode(text: string, n: number): RingNodeAddress {
  const wanted = `SESSIONS=ring:...: wanted ${RING_FORM}; node ${n}`;
  const [, name, scheme = '', where = '', query = ''] =
    /^(?:([^=:/@?]+)=)?(rediss?):(.*?)(?:\?([^?@]*))?$/s.exec(text) ?? [];
  if (scheme === '') throw new Error(`${wanted} is none.`);
  const server = readRedis(scheme, where);
  const { weight = '1', zone, ...others } = Object.fromEntries(new URLSearchParams(query));
  if (Object.keys(others).length > 0)
    throw new Error(`${wanted} has something else behind its question mark than weight= and zone=.`);
  if (!/^\d{1,7}$/.test(weight)) throw new Error(`${wanted} has a weight that is no whole number.`);
  const [{ host, port }] = server.servers as [RedisAddress['servers'][number]];
  return { name: name ?? `${host}:${port}`, weight: Number(weight), ...(zone !== undefined && { zone }), server };
}

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
