/**
 * The engine's rules about stored sessions, told once more in the plainest way: no bytes, no hashes, no promises.
 *
 * A secret is an object that is the same or not; its text is learned when the real engine sends it in a cookie. A field is a
 * list of notes, so that what is lost, doubled or in the wrong hands can be read off it.
 */

export interface Secret {
  token?: string;
}
export type Notes = readonly string[];

export interface PlainSession {
  readonly id: string;
  readonly createdAt: number;
  expiresAt: number;
  generation: number;
  remember: boolean;
  user: string | undefined;
  secret: Secret;
  previous: { readonly secret: Secret; readonly until: number; readonly opens: 'session' | 'nothing' } | undefined;
  readonly fields: Map<string, Notes>;
}

export interface Lifetime {
  readonly idleMs: number;
  readonly absoluteMs: number;
}
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
export const ORDINARY: Lifetime = { idleMs: HOUR / 2, absoluteMs: 12 * HOUR };
export const REMEMBERED: Lifetime = { idleMs: 30 * DAY, absoluteMs: 180 * DAY };
export const lifetime = (remember: boolean): Lifetime => (remember ? REMEMBERED : ORDINARY);

/** What a cookie says, in the plain world. */
export interface Cookie {
  readonly id: string;
  readonly secret: Secret;
}
export type Opening =
  | { readonly opens: 'nothing'; readonly mute: boolean }
  | { readonly opens: 'session'; readonly session: PlainSession; readonly isPresent: boolean };

/** What happens to one field. `rerun`: what the request would have done, had it read `current`. */
export type Wish =
  | { readonly kind: 'assign'; readonly to: Notes | undefined }
  | { readonly kind: 'update'; rerun(current: Notes | undefined): Notes | undefined }
  | { readonly kind: 'take'; readonly read: Notes | undefined };

export interface PlainStore {
  readonly sessions: Map<string, PlainSession>;
  /** Ids of sessions that were ended on purpose. */
  readonly ended: Set<string>;
  open(cookie: Cookie | undefined, now: number): Opening;
  /** The session that a commit would find; undefined: gone. */
  standing(id: string, generation: number, now: number): PlainSession | undefined;
  end(id: string): void;
  /** Live sessions of a user. */
  of(user: string, now: number): PlainSession[];
}

export function plainStore(): PlainStore {
  const sessions = new Map<string, PlainSession>();
  const ended = new Set<string>();
  return {
    sessions,
    ended,
    open(cookie, now) {
      const session = cookie && sessions.get(cookie.id);
      if (session === undefined || isOver(session, now)) return { opens: 'nothing', mute: false };
      if (session.secret === cookie?.secret) return { opens: 'session', session, isPresent: true };
      const { previous } = session;
      if (previous === undefined || previous.secret !== cookie?.secret || previous.until <= now)
        return { opens: 'nothing', mute: false };
      return previous.opens === 'session'
        ? { opens: 'session', session, isPresent: false }
        : { opens: 'nothing', mute: true };
    },
    standing(id, generation, now) {
      const session = sessions.get(id);
      return session && session.expiresAt > now && session.generation === generation ? session : undefined;
    },
    end(id) {
      sessions.delete(id);
      ended.add(id);
    },
    of: (user, now) => [...sessions.values()].filter((session) => session.user === user && session.expiresAt > now),
  };
}

export function isOver(session: PlainSession, now: number): boolean {
  return session.expiresAt <= now || session.createdAt + lifetime(session.remember).absoluteMs <= now;
}

export function fulfilled(wish: Wish, current: Notes | undefined): Notes | undefined {
  switch (wish.kind) {
    case 'assign':
      return wish.to;
    case 'update':
      return wish.rerun(current);
    case 'take':
      return sameNotes(wish.read, current) ? undefined : current;
  }
}

export function sameNotes(a: Notes | undefined, b: Notes | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.join() === b.join());
}

export function put(fields: Map<string, Notes>, field: string, notes: Notes | undefined): void {
  if (notes === undefined) fields.delete(field);
  else fields.set(field, notes);
}
