/**
 * What every route has at hand, and the three questions that many of them ask: who is this, sign in, say something later.
 */
import type { Request } from 'express';
import type { MaybePromise, Session, Stored } from 'sojourn';
import type { SessionsAddress } from '../address.js';
import type { User } from '../domain/accounts.js';
import type { Cinema } from '../domain/cinema.js';
import { say } from '../domain/messages.js';
import { refuse } from '../domain/refusal.js';
import { flaskIdentifier } from '../http/flask.js';
import type { CinemaSession, CinemaSessions, Flash } from '../session.js';
import type { SignIns } from './sign-ins.js';

export interface Desk {
  readonly cinema: Cinema;
  readonly sessions: CinemaSessions;
  readonly signIns: SignIns;
  /** This server's name, as X-Served-By tells it. */
  readonly name: string;
  /** What keeps the sessions. */
  readonly livesIn: SessionsAddress['kind'];
  /** Demo mode: the text-message code comes back in the answer. */
  readonly demo: boolean;
  deliver(mobile: string, code: string): void;
  /** A session as its store holds it, for the page that shows it to its owner. */
  inspect(id: string): MaybePromise<Stored | null>;
}

const FLASHES_MAX = 5;

/** The id of the user who is signed in. Refuses anybody else. */
export function userOf(desk: Desk, req: Request): string {
  return desk.sessions.from(req).user ?? refuse(say.loginFirst);
}

/**
 * Binds the session to the user under a new secret. Then the password is looked at once more: if it was changed while
 * this sign-in was under way, "end all sessions" may have missed this one, so it ends itself.
 */
export async function signIn(desk: Desk, req: Request, user: User): Promise<void> {
  if ((await bind(desk, req, user)) === 'gone' && (await bind(desk, req, user)) === 'gone') refuse(say.tooOften);
  const now = await desk.cinema.accounts.find(user.id);
  if (now?.password === user.password) return;
  desk.sessions.from(req).destroy();
  refuse(say.wrongPassword);
}

/** 'gone': the visitor's anonymous session was ended by somebody else meanwhile. What is left is a new one to try with. */
async function bind(desk: Desk, req: Request, user: User): Promise<'ok' | 'gone'> {
  const mine = desk.sessions.from(req);
  mine.login(user.id, { remember: true });
  keepFlaskLogin(mine, req, user.id);
  await desk.cinema.devices.remember(mine.id, user.id, req.get('user-agent') ?? '');
  return mine.save();
}

export function flash(desk: Desk, req: Request, message: Flash): void {
  desk.sessions.from(req).update('flash', (waiting = []) => [...waiting, message].slice(-FLASHES_MAX));
}

export function addressOf(req: Request): string {
  return req.ip ?? '';
}

function keepFlaskLogin(mine: Session<CinemaSession>, req: Request, userId: string): void {
  mine.set('_user_id', userId);
  mine.set('user_id', userId);
  mine.set('_fresh', true);
  mine.set('_id', flaskIdentifier(addressOf(req), req.get('user-agent')));
}
