/**
 * The floor: not a library, but the least code that does the job of one process. It finds a cookie by its name, looks a Map
 * up, compares the SHA-256 of the secret, and hands over a live object. No expiry, no limits, no encoding, no other process:
 * what a session library adds to this is what its promises cost.
 *
 * It is also a control: its cost is known (0.4 to 0.9 us on node:http), and a run that finds another is thrown away.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Sample, sample } from '../support/sample.js';
import type { Entrant } from './entrants.js';

const NAME = 'sid=';
const ID_LENGTH = 22;
const SECRET_LENGTH = 43;
const PRESENTED = Buffer.alloc(32);

interface Kept {
  readonly secret: Uint8Array;
  readonly data: Sample;
}
type Floored = IncomingMessage & { floor?: Sample | undefined };

/** The session that a Cookie header opens. */
export type Floor = (header: string | undefined) => Sample | undefined;

export function floorEntrant(): Entrant {
  const sessions = new Map<string, Kept>();
  return openedBy('floor', floorOver(sessions), () => floorCookie(sessions));
}

/** An entrant that is nothing but the way from a Cookie header to a session. `cookie`: that of a new session. */
export function openedBy(name: Entrant['name'], open: Floor, cookie: () => string): Entrant {
  const find = (req: Floored): void => {
    req.floor = open(req.headers.cookie);
  };
  return {
    name,
    listener: (handler) => (req, res) => {
      find(req);
      handler(req, res);
    },
    middleware: (req, _res, next) => {
      find(req);
      next();
    },
    read: (req: Floored) => req.floor?.name,
    views: (req: Floored) => req.floor?.views ?? -1,
    write: (req: Floored) => {
      if (req.floor !== undefined) req.floor.views++;
    },
    seed: (_req, res) => void res.setHeader('Set-Cookie', `${cookie()}; Path=/; HttpOnly`),
    writes: () => 0,
  };
}

export function floorOver(sessions: ReadonlyMap<string, Kept>): Floor {
  return (header) => {
    const at = header === undefined ? -1 : header.indexOf(NAME);
    if (header === undefined || at === -1) return undefined;
    const from = at + NAME.length;
    const kept = sessions.get(header.slice(from, from + ID_LENGTH));
    const secret = header.slice(from + ID_LENGTH + 1, from + ID_LENGTH + 1 + SECRET_LENGTH);
    return kept !== undefined && opens(secret, kept.secret) ? kept.data : undefined;
  };
}

/** Text and one buffer for all: a Buffer for each hash takes half a microsecond more. */
function opens(secret: string, hashed: Uint8Array): boolean {
  PRESENTED.write(hash('sha256', secret, 'binary'), 'binary');
  return timingSafeEqual(PRESENTED, hashed);
}

/** A new session in `sessions`; returns the cookie that opens it. */
export function floorCookie(sessions: Map<string, Kept>): string {
  const id = randomBytes(16).toString('base64url');
  const secret = randomBytes(32).toString('base64url');
  sessions.set(id, { secret: hash('sha256', secret, 'buffer'), data: sample() });
  return `${NAME}${id}.${secret}`;
}
