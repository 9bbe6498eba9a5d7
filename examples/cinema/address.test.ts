/** What people write into SESSIONS, what it means, and what they read when it means nothing. Passwords are never repeated. */
import { expect, test } from 'vitest';
import { readAddress, sharingInWords } from './address.js';

test.each([
  ['lmdb:./data/sessions', 'LMDB in ./data/sessions, shared by all servers'],
  ['./data/sessions', 'LMDB in ./data/sessions, shared by all servers'],
  ['redis://127.0.0.1:6379', 'Redis at 127.0.0.1:6379, near cache in each server'],
  ['redis://localhost', 'Redis at localhost:6379, near cache in each server'],
  ['redis://localhost/', 'Redis at localhost:6379, near cache in each server'],
  ['redis://[::1]:7000', 'Redis at [::1]:7000, near cache in each server'],
  ['redis://127.0.0.1:6379/2', 'Redis at 127.0.0.1:6379/2, near cache in each server'],
  ['redis://:moon@127.0.0.1:6379', 'Redis at 127.0.0.1:6379, near cache in each server'],
  ['rediss://ann:moon@db.example:6380', 'Redis at db.example:6380 over TLS, near cache in each server'],
  ['redis+cluster://a:7000,b:7001', 'Redis Cluster at a:7000, b:7001, near cache in each server'],
  ['rediss+cluster://ann:moon@a:7000', 'Redis Cluster at a:7000 over TLS, near cache in each server'],
  ['file:./data/sessions', 'files in ./data/sessions, shared by all servers'],
  ['sqlite:./data/sessions.db', 'SQLite in ./data/sessions.db, shared by all servers'],
  ['postgres://ann:moon@db:5432/cinema', 'PostgreSQL at db:5432/cinema, shared by all servers'],
  ['mysql://ann:moon@db/cinema', 'MySQL or MariaDB at db/cinema, shared by all servers'],
  ['mongodb://ann:moon@db/cinema', 'MongoDB at db/cinema, shared by all servers'],
  ['memcached://cache:11211', 'memcached at cache:11211, shared by all servers'],
  ['cookie', "the visitors' cookies, encrypted; who was signed out: LMDB in ./data/revocations, shared by all servers"],
  [
    'cookie:redis://:moon@a',
    "the visitors' cookies, encrypted; who was signed out: Redis at a:6379, near cache in each server",
  ],
  ['ring:redis://a', 'a ring of 1 Redis servers, near cache in each server'],
  ['ring:redis://a,redis://b', 'a ring of 2 Redis servers, two copies of each session, near cache in each server'],
])('%s reads as "%s"', (address, words) => {
  expect(sharingInWords(readAddress(address))).toBe(words);
});

test.each([
  ['redis://a', {}],
  ['redis://:moon@a', { password: 'moon' }],
  ['redis://ann:moon@a', { username: 'ann', password: 'moon' }],
  ['redis://ann:m%40%3A%2Fn@a', { username: 'ann', password: 'm@:/n' }],
  ['redis://ann:m@o:o/n@a', { username: 'ann', password: 'm@o:o/n' }],
])('credentials in %s are %j', (address, credentials) => {
  const { username, password } = readAddress(address) as { username?: string; password?: string };
  expect({ ...(username && { username }), ...(password && { password }) }).toEqual(credentials);
});

test('a ring is nodes with names, weights and zones, each at an address', () => {
  const server = { kind: 'redis', tls: false, database: 0 };
  const address = 'ring:one=redis://:mo,on@a?weight=15&zone=east,two=redis://b:7000/1?weight=20,rediss://c';
  expect(readAddress(address)).toEqual({
    kind: 'ring',
    nodes: [
      {
        name: 'one',
        weight: 15,
        zone: 'east',
        server: { ...server, servers: [{ host: 'a', port: 6379 }], password: 'mo,on' },
      },
      { name: 'two', weight: 20, server: { ...server, servers: [{ host: 'b', port: 7000 }], database: 1 } },
      { name: 'c:6379', weight: 1, server: { ...server, servers: [{ host: 'c', port: 6379 }], tls: true } },
    ],
  });
});

test.each([
  ['floppy:a', 'SESSIONS=floppy:a: wanted <kind>:<where>. Known kinds: lmdb, redis'],
  ['postgres:moon', 'SESSIONS=postgres:...: wanted postgres://[user:password@]host[:port]/database'],
  ['sqlite://x', 'SESSIONS=sqlite:...: wanted sqlite:./data/sessions'],
  ['memcached:moon', 'SESSIONS=memcached:...: wanted memcached://host[:port].'],
  ['cookie:', 'SESSIONS=: wanted <kind>:<where>'],
  ['cookie:floppy:a', 'SESSIONS=floppy:a: wanted <kind>:<where>'],
  ['lmdb:', 'SESSIONS=lmdb:: wanted <kind>:<where>'],
  ['redi://:moon@a', 'SESSIONS=redi:***@a: wanted <kind>:<where>'],
  ['redi://a?password=moon', 'SESSIONS=redi://a?***: wanted'],
  ['redis:127.0.0.1:6379', 'wanted redis://[[user]:password@]host[:port][/database].'],
  ['redis://', 'wanted redis://'],
  ['redis://:moon@', 'wanted redis://'],
  ['redis://:moon@a:port', 'wanted redis://'],
  ['redis://:moon@a:70000', 'wanted redis://'],
  ['redis://:moon@a?db=2', 'wanted redis://'],
  ['redis://:moon@a/two', 'the database is a number'],
  ['redis://:moon@a/2?moon', 'the database is a number'],
  ['redis://:moon@a,b', 'several servers are redis+cluster'],
  ['redis://:moo%n@a', 'a % in a password is written %25'],
  ['redis+cluster://:moon@a/2', 'a cluster has one database'],
  ['redis+cluster://:moon@a,', 'wanted redis+cluster://'],
  ['ring:redis://:moon@a?wieght=15', 'node 1 has something else behind its question mark'],
  ['ring:redis://:moon@a,redis://:moon@b?weight=much', 'node 2 has a weight that is no whole number'],
  ['ring:one=redis://:moon@a,one=redis://:moon@b', 'two nodes are called one'],
  ['ring:lmdb:./moon', 'wanted ring:name=redis://host:port?weight=15'],
  ['ring:redis://:moon@', 'wanted redis://'],
])('%s is refused in a sentence that helps and holds no password', (address, sentence) => {
  const refusal = (): unknown => readAddress(address);
  expect(refusal).toThrow(sentence);
  expect(refusal).not.toThrow(/moo/);
});
