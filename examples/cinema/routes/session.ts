/**
 * A session shown to its owner: what is in it, on which devices he is signed in, and the ways to end those. These routes
 * are ours; the original had no way to list or end a session.
 */
import { type Request, Router } from 'express';
import type { Session } from 'sojourn';
import { say } from '../domain/messages.js';
import { refuse } from '../domain/refusal.js';
import { parseSeats } from '../domain/seats.js';
import { formOf } from '../http/form.js';
import { part, query, resource } from '../http/resource.js';
import type { CinemaSession } from '../session.js';
import { type Desk, userOf } from './desk.js';

/** Chosen seats are remembered for so many showings; the oldest choice goes first. */
const SHOWINGS_MAX = 8;

export function sessionRoutes(desk: Desk): Router {
  const router = Router({ strict: true });

  const chooseSeats = async (req: Request): Promise<object> => {
    const form = formOf(req);
    const screen = await desk.cinema.screens.one(form.text('screenId'));
    const text = form.text('seat');
    const seats = text === '' ? [] : parseSeats(text, screen.ticketNum);
    desk.sessions.from(req).update('seats', (chosen) => withSeats(chosen, screen.id, seats));
    return { message: say.seatsKept, seat: seats };
  };

  resource(router, '/session/seats', {
    get: (req) => desk.sessions.from(req).get('seats')?.[query(req, 'screenId')] ?? [],
    put: chooseSeats,
    post: chooseSeats,
  });

  resource(router, '/session/devices', {
    get: (req) => devicesOf(desk, req),
    async delete(req) {
      const user = userOf(desk, req);
      const mine = desk.sessions.from(req);
      const others = query(req, 'others') === '1';
      const ended = await desk.signIns.endAll(user, others ? mine.id : undefined);
      if (!others) mine.destroy();
      return { message: others ? say.signedOutElsewhere : say.signedOutEverywhere, ended };
    },
  });

  resource(router, '/session/devices/:id', {
    async delete(req) {
      const user = userOf(desk, req);
      const mine = desk.sessions.from(req);
      const id = part(req, 'id');
      if (!(await desk.signIns.isOf(user, id))) refuse(say.noSuchDevice);
      if (id === mine.id) mine.destroy();
      else await desk.sessions.destroy(id);
      return { message: say.deviceSignedOut };
    },
  });

  return router;
}

/** GET /api/session/: the discreet line at the foot of the page. */
export async function showSession(desk: Desk, req: Request): Promise<object> {
  const mine = desk.sessions.from(req);
  const isSealed = desk.livesIn === 'cookie';
  const stored = mine.isNew || isSealed ? null : await desk.inspect(mine.id);
  const fields = [...(stored?.fields ?? [])].map(([name, bytes]) => ({ name, bytes: bytes.length }));
  return {
    servedBy: desk.name,
    livesIn: desk.livesIn,
    id: stored || (isSealed && !mine.isNew) ? mine.id : null,
    user: mine.user ?? null,
    signedIn: mine.signedInAt ?? null,
    created: stored?.head.createdAt ?? null,
    expires: stored?.head.expiresAt ?? null,
    version: stored?.head.version ?? null,
    fields: isSealed ? fieldsOf(mine) : fields,
    recent: mine.get('recent') ?? [],
    seats: mine.get('seats') ?? {},
    flash: mine.has('flash') ? (mine.take('flash') ?? []) : [],
  };
}

async function devicesOf(desk: Desk, req: Request): Promise<object> {
  const user = userOf(desk, req);
  const mine = desk.sessions.from(req);
  const list = await desk.signIns.list(mine, user);
  return list.map(({ id, ...facts }) => ({ id, current: id === mine.id, ...facts }));
}

/** Of a session that no store holds: how long its fields are as text. */
function fieldsOf(mine: Session<CinemaSession>): { name: string; bytes: number }[] {
  return [...mine.keys()].map((name) => ({ name, bytes: Buffer.byteLength(JSON.stringify(mine.get(name)) ?? '') }));
}

function withSeats(
  chosen: Record<string, number[]> = {},
  screenId: string,
  seats: number[],
): Record<string, number[]> | undefined {
  const { [screenId]: _replaced, ...others } = chosen;
  const kept = Object.entries(others).slice(seats.length > 0 ? 1 - SHOWINGS_MAX : 0);
  const all = seats.length > 0 ? [...kept, [screenId, seats] as const] : kept;
  return all.length > 0 ? Object.fromEntries(all) : undefined;
}
