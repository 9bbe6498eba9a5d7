/**
 * Flask-Session's entries in every other place that it has: each vector is put there as Python left it, read and changed through the engine
 * by a visitor, and found with all its other types. memcached, the databases and the folder are real.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { MongoClient } from 'mongodb';
import { type Environment, sessions } from 'sojourn';
import {
  type EntryFormat,
  flaskFiles,
  flaskLifetimes,
  flaskMemcached,
  flaskMongo,
  flaskSession,
  flaskSql,
  flaskTransport,
  type Shelf,
} from 'sojourn/flask';
import { controllableClock } from 'sojourn/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { readEntry } from '../../src/compat/flask/entry.js';
import type { Dict } from '../../src/compat/flask/python.js';
import { sqlClient } from '../programs/sql-client.js';
import { databases } from '../support/databases.js';
import { exam } from '../support/exam.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { mongoConditions, startMongo } from '../support/mongo.js';
import { need } from '../support/needs.js';
import { tempFolder } from '../support/temp.js';
import { visitor } from '../support/visitor.js';
import { python, shown, type Typed, vectors } from './typed.js';

interface Vector {
  id: string;
  format?: 'pickle' | 'msgpack' | 'json';
  config?: Record<string, unknown>;
  stored: Typed;
  sid: string;
  lifetime?: number;
}

interface Fields {
  [key: string]: unknown;
}

/** A visitor comes, a field changes, and everything else is as it was. Then he logs out, and the entry is gone. */
async function visited(
  shelf: Shelf,
  vector: Vector,
  bytesNow: () => Promise<Uint8Array | null>,
  environment?: Environment,
) {
  const { stored, sid, config, format = 'pickle' } = vector;
  const prefix = (config?.SESSION_KEY_PREFIX as string | undefined) ?? 'session:';
  const lifetime = (vector.lifetime ?? 31 * 86_400) * 1000;
  const written: EntryFormat = shelf.name.includes('memcached') && format === 'pickle' ? 'pickle-0' : format;
  const s = sessions<Fields>({
    store: flaskSession(shelf, { format: written, prefix, lifetime, ...(environment && { now: environment.now }) }),
    transport: flaskTransport(),
    ...flaskLifetimes(lifetime),
    ...(environment && { environment }),
  });
  const ann = visitor(s, new Map([['session', sid]]));
  await ann.visit((session) => session.set('touched', ['by', 'Node']));
  const expected = python(stored) as Dict;
  expected.set('touched', ['by', 'Node']);
  expect(shown(readEntry((await bytesNow())!), true)).toBe(shown(expected, true));
  expect(await ann.visit((session) => session.get('touched'))).toEqual(['by', 'Node']);
  await ann.visit((session) => session.destroy());
  expect(await bytesNow()).toBeNull();
}

/** All of them before a release; every seventh otherwise. What the bytes say is asked of each, always, in formats.test.ts. */
function some<V>(all: readonly V[]): V[] {
  return all.filter((_, i) => exam || i % 7 === 0);
}

const at = (ms: number) => controllableClock(ms);

describe('files', () => {
  interface FileVector extends Vector {
    file_name: string;
    file_b64: string;
    expires_unix: number;
    lifetime: number;
  }
  const { vectors: all } = vectors<{ vectors: FileVector[] }>('flask-session-filesystem.json');

  test.each(some(all))('$id', async (vector) => {
    const folder = join(tempFolder('ff'), 'flask_session');
    const path = join(folder, vector.file_name);
    mkdirSync(folder);
    writeFileSync(path, Buffer.from(vector.file_b64, 'base64'), { mode: 0o600 });
    const bytes = async () => (readdirSync(folder).length === 0 ? null : readFileSync(path).subarray(4));
    const clock = at((vector.expires_unix - vector.lifetime) * 1000);
    await visited(flaskFiles(folder), vector, bytes, clock);
  });

  test('what Node writes has the mode, the name and the header that cachelib expects', async () => {
    const folder = tempFolder('ff');
    const clock = at(1_800_000_000_000);
    const store = flaskSession(flaskFiles(folder), { format: 'pickle', now: clock.now });
    const head = { createdAt: clock.now(), expiresAt: clock.now() + 5000, version: 1, generation: 0 };
    expect(await store.create('abc', { head, fields: new Map([['n', Buffer.from('1')]]) })).toBe('ok');
    expect(await store.create('abc', { head, fields: new Map() })).toBe('exists');
    const [name = ''] = readdirSync(folder);
    expect(name).toBe('32607b0dcb9d5a58fbe913b473137833');
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, name)).readUInt32LE()).toBe(1_800_000_005);
    clock.advance('5s');
    expect(await store.load('abc')).not.toBeNull();
    clock.advance('1s');
    expect(await store.load('abc')).toBeNull();
  });
});

need('memcached').describe('memcached', () => {
  interface MemcachedVector extends Vector {
    key: string;
    value_b64: string;
    lifetime: number;
    flags: number;
  }
  const { vectors: all } = vectors<{ vectors: MemcachedVector[] }>('flask-session-memcached.json');
  let server: MemcachedServer;
  let shelf: Shelf;
  beforeAll(async () => {
    server = await startMemcached();
    shelf = flaskMemcached({ port: server.port });
  });

  test.each(some(all))('$id', async (vector) => {
    const prefix = vector.key.slice(0, -vector.sid.length);
    const value = Buffer.from(vector.value_b64, 'base64');
    await told(
      server.port,
      Buffer.concat([Buffer.from(`set ${vector.key} 0 100 ${value.length}\r\n`), value, Buffer.from('\r\n')]),
    );
    const bytes = async () => (await shelf.read(vector.key))?.bytes ?? null;
    await visited(shelf, { ...vector, config: { SESSION_KEY_PREFIX: prefix } }, bytes);
  });

  test('a server that dies is an error in time, and one that comes back is used again', async () => {
    await server.restart();
    expect(await shelf.swap('session:a', null, Buffer.from('x'), Date.now() + 5000).catch(() => 'lost')).toSatisfy(
      (it) => it === true || it === 'lost',
    );
    await expect
      .poll(() =>
        shelf.read('session:none').then(
          (entry) => entry,
          () => 'lost',
        ),
      )
      .toBeNull();
  });
});

function told(port: number, command: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(command));
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(String(bytes));
    });
    socket.once('error', reject);
  });
}

interface SqlVector extends Vector {
  row: { session_id: string; data_b64: string; expiry: string };
}
const sqlVectors = vectors<{ vectors: SqlVector[] }>('flask-session-sqlalchemy.json').vectors;

for (const { name, when, start } of databases) {
  when.describe(name, () => {
    interface Tables {
      sessions: { id: number; session_id: string; data: Uint8Array; expiry: string };
    }
    let db: Kysely<Tables>;
    beforeAll(async () => {
      const client = sqlClient((await start()).url);
      db = client.db as unknown as Kysely<Tables>;
      const isPostgres = name === 'PostgreSQL';
      await db.schema
        .createTable('sessions')
        .addColumn('id', isPostgres ? 'serial' : 'integer', (column) =>
          isPostgres ? column.primaryKey() : column.primaryKey().autoIncrement(),
        )
        .addColumn('session_id', 'varchar(255)', (column) => column.unique())
        .addColumn('data', isPostgres ? 'bytea' : 'blob')
        .addColumn('expiry', name === 'MariaDB' ? 'datetime(6)' : isPostgres ? 'timestamp' : 'datetime')
        .execute();
      return client.close;
    });

    test.each(some(sqlVectors))('$id', async (vector) => {
      const { session_id, data_b64, expiry } = vector.row;
      await db
        .insertInto('sessions')
        .values({ session_id, data: Buffer.from(data_b64, 'base64'), expiry } as never)
        .execute();
      const bytes = async () => {
        const row = await db
          .selectFrom('sessions')
          .select('data')
          .where('session_id', '=', session_id)
          .executeTakeFirst();
        return row === undefined ? null : new Uint8Array(row.data);
      };
      await visited(flaskSql(db as never), vector, bytes, at(Date.parse(`${expiry.slice(0, 19)}Z`) - 86_400_000));
    });
  });
}

mongoConditions.describe('MongoDB, or what speaks its protocol', () => {
  interface MongoVector extends Vector {
    doc: { id: string; val_b64: string; expiration: string };
  }
  const { vectors: all } = vectors<{ vectors: MongoVector[] }>('flask-session-mongodb.json');
  let client: MongoClient;
  beforeAll(async () => {
    client = await new MongoClient(await startMongo()).connect();
    return () => client.close();
  });

  test.each(some(all))('$id', async (vector) => {
    const collection = client.db().collection('flask_sessions');
    const { id, val_b64, expiration } = vector.doc;
    await collection.insertOne({ id, val: Buffer.from(val_b64, 'base64'), expiration: new Date(expiration) });
    const bytes = async () =>
      ((await collection.findOne({ id }))?.val as { buffer: Uint8Array } | undefined)?.buffer ?? null;
    await visited(flaskMongo(collection), vector, bytes, at(Date.parse('2030-03-04T05:06:07Z')));
  });
});
