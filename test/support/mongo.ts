/**
 * Something that speaks MongoDB's protocol: the server of MONGO_URL, a mongod of one's own, or mongo-java-server (scripts/mongo.js).
 *
 * Only the first two are MongoDB. Which one it was is printed, so that nobody takes a pass for more than it is.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { JARS, mongoServer, PROJECT } from '../../scripts/mongo.js';
import { removeLater } from './cleanup.js';
import { type Conditional, skipUnless } from './needs.js';
import { onFreePort } from './ports.js';
import { start } from './spawn.js';
import { tempFolder } from './temp.js';

const server = mongoServer();

export const mongoConditions: Conditional = skipUnless(
  server !== undefined,
  'nothing speaks MongoDB here (MONGO_URL, a mongod in PATH, or Maven and a JDK)',
);

let started: Promise<string> | undefined;

/** Starts it, the first time, and resolves with an address that ends in a database of this run's own. */
export function startMongo(): Promise<string> {
  started ??= launch();
  return started;
}

async function launch(): Promise<string> {
  const database = `sojourn_${randomBytes(6).toString('hex')}`;
  if (server?.kind === 'url') {
    console.log('MongoDB: the server of MONGO_URL.');
    const url = new URL(server.url);
    url.pathname = `/${database}`;
    removeLater({ remove: () => drop(url.href), removeNow: () => {} });
    return url.href;
  }
  console.log(
    server?.kind === 'mongod' ? 'MongoDB: mongod.' : 'MongoDB: mongo-java-server, which is not MongoDB itself.',
  );
  return onFreePort(async (port) => {
    if (server?.kind === 'mongod') await startMongod(server.path, port);
    else await start(server!.path, javaArguments(port), { ready: /^ready/m });
    return `mongodb://127.0.0.1:${port}/${database}`;
  });
}

function javaArguments(port: number): string[] {
  const quick = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
  return [...quick, '-cp', join(JARS, '*'), join(PROJECT, 'MongoTest.java'), String(port)];
}

async function startMongod(path: string, port: number): Promise<void> {
  const args = ['--dbpath', tempFolder('mongo'), '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket'];
  await start(path, args, { ready: /Waiting for connections/i });
}

async function drop(url: string): Promise<void> {
  const client = new MongoClient(url);
  await client.db().dropDatabase();
  await client.close();
}
