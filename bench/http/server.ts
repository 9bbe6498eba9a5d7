/**
 * The server process of one framework: every entrant on a port of its own, in one heap. It measures itself (windows.ts) and
 * answers its parent's questions: where the entrants are, what they have written, what the windows say.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { redisEntrants } from '../redis/entrants.js';
import { freePort } from '../support/ports.js';
import { answer } from '../support/processes.js';
import { tempFolder } from '../support/temp.js';
import { cookieEntrants } from './cookie-entrants.js';
import { type Entrant, entrantsInProcess, type Name } from './entrants.js';
import type { FieldName } from './fields.js';
import type { Framework } from './paths.js';
import { serve } from './routes.js';
import { sampler, tally } from './windows.js';

export type Question = 'ports' | 'writes' | 'restart' | 'windows';
/** Of everybody in this field. */
export type Ports = Readonly<Partial<Record<Name, number>>>;
export type Writes = Readonly<Partial<Record<Name, number>>>;

const [framework, field, redisPort] = process.argv.slice(2) as [Framework, FieldName, string?];
const counted = tally();
const all: Promise<readonly Entrant[]> = entrantsOf(field);
const ports = all.then((entrants) => Promise.all(entrants.map(listen)));
const samples = sampler(counted);

answer(async (question: Question) => {
  switch (question) {
    case 'ports':
      return byName(await ports);
    case 'writes':
      return byName((await all).map((entrant) => entrant.writes()));
    case 'restart':
      return samples.restart();
    case 'windows':
      return samples.windows();
  }
});

async function entrantsOf(name: FieldName): Promise<readonly Entrant[]> {
  if (name === 'in process') return entrantsInProcess(tempFolder());
  return name === 'in the cookie' ? cookieEntrants() : redisEntrants(name, Number(redisPort));
}

async function byName(values: readonly number[]): Promise<Record<string, number>> {
  return Object.fromEntries((await all).map(({ name }, i) => [name, values[i]!]));
}

function listen(entrant: Entrant): Promise<number> {
  const server = serve(framework, entrant, counted);
  return freePort((port) => listenOn(server, port));
}

function listenOn(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
