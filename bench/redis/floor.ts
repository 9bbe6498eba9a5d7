/**
 * The floor of a session in Redis without a copy in the process: not a library, but the least code that makes one trip. A read
 * finds the cookie, sends one GET, compares the SHA-256 of the secret and parses the session; a write is one script that
 * raises a counter where it stands, if the session is still there. No index, no fields, no version, nothing about outages.
 */
import { hash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Entrant } from '../http/entrants.js';
import { PATHS } from '../http/paths.js';
import { type Sample, sample } from '../support/sample.js';

export type Send = (args: string[]) => Promise<unknown>;

const NAME = 'trip=';
const ID_LENGTH = 22;
const SECRET_LENGTH = 43;
const COUNTER_LENGTH = 10;
const TTL_SECONDS = 86_400;
/** A value is ten digits, the hash of the secret, JSON. */
const RAISE = `
local value = redis.call('GETRANGE', KEYS[1], 0, ${COUNTER_LENGTH - 1})
if value == '' then return 0 end
redis.call('SETRANGE', KEYS[1], 0, string.format('%0${COUNTER_LENGTH}d', tonumber(value) + 1))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1`;

type Floored = IncomingMessage & { trip?: Sample | undefined };

export async function oneTripFloor(send: Send): Promise<Entrant> {
  const script = String(await send(['SCRIPT', 'LOAD', RAISE]));
  const raise = (id: string): Promise<unknown> => send(['EVALSHA', script, '1', key(id), String(TTL_SECONDS)]);

  async function find(req: Floored): Promise<void> {
    const token = tokenOf(req.headers.cookie);
    if (token === undefined) return;
    const id = token.slice(0, ID_LENGTH);
    if (req.url === PATHS.write) return void (await raise(id));
    const value = await send(['GET', key(id)]);
    if (value !== null) req.trip = opened(String(value), token.slice(ID_LENGTH + 1));
  }

  return {
    name: 'floor: one trip',
    listener: (handler) => (req, res) => void find(req).then(() => handler(req, res)),
    middleware: (req, _res, next) => void find(req).then(() => next(), next),
    read: (req: Floored) => req.trip?.name,
    views: (req: Floored) => req.trip?.views ?? -1,
    // Was its trip, in `find`.
    write: () => {},
    seed(_req, res) {
      const id = randomBytes(16).toString('base64url');
      const secret = randomBytes(32).toString('base64url');
      void send(['SET', key(id), written(secret), 'EX', String(TTL_SECONDS)]);
      res.setHeader('Set-Cookie', `${NAME}${id}.${secret}; Path=/; HttpOnly`);
    },
    writes: () => 0,
  };
}

function key(id: string): string {
  return `floor:${id}`;
}

function tokenOf(header: string | undefined): string | undefined {
  const at = header === undefined ? -1 : header.indexOf(NAME);
  if (header === undefined || at === -1) return undefined;
  const from = at + NAME.length;
  return header.slice(from, from + ID_LENGTH + 1 + SECRET_LENGTH);
}

function written(secret: string): string {
  return `${'0'.repeat(COUNTER_LENGTH)}${hash('sha256', secret, 'base64url')}${JSON.stringify(sample())}`;
}

function opened(value: string, secret: string): Sample | undefined {
  const json = COUNTER_LENGTH + SECRET_LENGTH;
  if (value.slice(COUNTER_LENGTH, json) !== hash('sha256', secret, 'base64url')) return undefined;
  const data = JSON.parse(value.slice(json)) as Sample;
  data.views = Number(value.slice(0, COUNTER_LENGTH));
  return data;
}
