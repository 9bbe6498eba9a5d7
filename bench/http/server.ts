/**
 * The server process of one framework: every entrant on a port of its own, in one heap. It measures itself (windows.ts) and
 * answers its parent's questions: where the entrants are, what they have written, what the windows say.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answer } from '../support/processes.js';
import { tempFolder } from '../support/temp.js';
import { type Entrant, entrants, type Name } from './entrants.js';
import type { Framework } from './paths.js';
import { serve } from './routes.js';
import { sampler, tally } from './windows.js';

export type Question = 'ports' | 'writes' | 'restart' | 'windows';
export type Ports = Readonly<Record<Name, number>>;
export type Writes = Readonly<Record<Name, number>>;

/** Below the range out of which the system takes the ports of outgoing connections. */
const [LOWEST_PORT, HIGHEST_PORT] = [10_000, 32_767];
const DRAWS = 50;

const [framework = 'node:http'] = process.argv.slice(2);
const counted = tally();
const all = entrants(tempFolder());
const ports = Promise.all(all.map((entrant) => listen(serve(framework as Framework, entrant, counted))));
const samples = sampler(counted);

answer(async (question: Question) => {
  switch (question) {
    case 'ports':
      return byName(await ports);
    case 'writes':
      return byName(all.map((entrant) => entrant.writes()));
    case 'restart':
      return samples.restart();
    case 'windows':
      return samples.windows();
  }
});

function byName(values: readonly number[]): Record<string, number> {
  return Object.fromEntries(all.map(({ name }: Entrant, i) => [name, values[i]!]));
}

async function listen(server: Server): Promise<number> {
  for (let draw = 1; ; draw++) {
    try {
      return await listenOn(server, LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT + 1)));
    } catch (error) {
      if (draw === DRAWS || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
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
