/**
 * What engine.ts measures: whole requests without a network, then the parts of a read one by one. The parts do not add up to
 * a read, and are not meant to: they tell what cannot be saved, and the rest is what the engine may be asked about.
 */
import { join } from 'node:path';
import { cookie, json, memory } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { floorCookie, floorOver } from '../http/floor.js';
import { type Case, inTurns } from '../support/rounds.js';
import { sample } from '../support/sample.js';
import { tokenParts } from './internals.js';
import { type Visited, visited } from './visits.js';

export const FLOOR = 'floor: find the cookie, look a Map up, compare a SHA-256';
const SESSIONS = 1000;
/** Saves that are under way at once, where saving takes time: as many as the HTTP part has connections. */
const IN_FLIGHT = 32;

export async function cases(folder: string): Promise<Case[]> {
  const inMemory = await visited(memory(), SESSIONS);
  const inLmdb = await visited(lmdb(join(folder, 'durable')), SESSIONS);
  const inLooseLmdb = await visited(lmdb(join(folder, 'not-durable'), { durable: false }), SESSIONS);
  return [
    floor(),
    ...requests('memory', inMemory),
    ...requests('LMDB', inLmdb),
    updates('LMDB, durable: false', inLooseLmdb),
    ...(await parts(inMemory.cookies)),
  ];
}

function floor(): Case {
  const sessions = new Map();
  const headers = Array.from({ length: SESSIONS }, () => floorCookie(sessions));
  const open = floorOver(sessions);
  return over(FLOOR, headers, (header) => open(header)!.name);
}

function requests(store: string, { anonymous, open, save, cookies }: Visited): Case[] {
  const visit = (what: string, work: (session: ReturnType<typeof open>) => unknown): Case =>
    over(`sojourn + ${store}: ${what}`, cookies, (header) => {
      const session = open(header);
      work(session);
      save(session);
    });
  return [
    over(`sojourn + ${store}: an anonymous read`, cookies, () => {
      const session = open(anonymous);
      session.get('name');
      save(session);
    }),
    visit('a request that does not ask for its session', () => undefined),
    visit('read a text', (session) => session.get('name')),
    visit('read an object (encoded again at save)', (session) => session.get('cart')),
    updates(store, { anonymous, open, save, cookies }),
  ];
}

function updates(store: string, { open, save, cookies }: Visited): Case {
  return {
    name: `sojourn + ${store}: update one field`,
    async run(times) {
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let i = next++; i < times; i = next++) {
          const session = open(cookies[i % SESSIONS]!);
          session.update('views', (views = 0) => views + 1);
          await save(session);
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    },
  };
}

async function parts(cookies: readonly string[]): Promise<Case[]> {
  const { split, hashSecret, sameSecret } = await tokenParts();
  const transport = cookie();
  const codec = json();
  const tokens = cookies.map((header) => header.slice(header.indexOf('=') + 1));
  const secrets = tokens.map((token) => split(token)!.secret);
  const hashed = secrets.map(hashSecret);
  const { cart } = sample();
  const bytes = codec.encode(cart);
  return [
    over('part: find the cookie', cookies, (header) =>
      transport.read({ secure: true, proxied: false, header: () => header }),
    ),
    over('part: split the token', tokens, split),
    over('part: SHA-256 of the secret, compared', secrets, (secret, i) => sameSecret(secret, hashed[i]!)),
    over('part: decode an object', tokens, () => codec.decode(bytes)),
    over('part: encode an object', tokens, () => codec.encode(cart)),
  ];
}

/** A case that takes the items one after the other. */
function over<T>(name: string, items: readonly T[], work: (item: T, i: number) => unknown): Case {
  const each = (n: number): unknown => work(items[n % items.length]!, n % items.length);
  return { name, run: (times) => inTurns(times, each) };
}
