/**
 * Where a user is signed in, and how those sessions end: three ways, for places that know more or less of their users.
 *
 * Most stores find sessions by user. memcached does not, but the cinema's own table (domain/devices.ts) names every session that a
 * sign-in began, and each of them can be looked up. A session in a cookie cannot be looked up by anybody, so only the one at hand
 * is shown; all of them end all the same, by a notice in the store of revocations.
 */
import type { Head, MaybePromise, Session, Stored } from 'sojourn';
import type { Devices } from '../domain/devices.js';
import type { ByUser, CinemaSession, CinemaSessions } from '../session.js';

export interface SignIn {
  readonly id: string;
  readonly agent: string;
  readonly created: number;
  readonly signedIn: number;
  readonly expires: number | null;
  readonly remember: boolean;
}

export interface SignIns {
  /** Of the user of `mine`. All that are alive, or `mine` alone where nobody can list them. */
  list(mine: Session<CinemaSession>, user: string): Promise<SignIn[]>;
  /** Whether it is, or was, a session of this user. */
  isOf(user: string, id: string): Promise<boolean>;
  /** Ends all but `except`. How many they were; null where nobody can know. */
  endAll(user: string, except?: string): Promise<number | null>;
}

export interface SignInsSettings {
  readonly sessions: CinemaSessions;
  readonly byUser: ByUser | undefined;
  readonly devices: Devices;
  readonly inspect: (id: string) => MaybePromise<Stored | null>;
}

export function signIns({ sessions, byUser, devices, inspect }: SignInsSettings): SignIns {
  const of = byUser === undefined ? lookedUp : byUser.of;
  return {
    async list(mine, user) {
      const agents = await devices.agents(user);
      const agentOf = (id: string): string => agents.get(id) ?? '';
      if (of === undefined) return [atHand(mine, agentOf(mine.id))];
      const list: SignIn[] = [];
      for await (const [id, head] of of(user)) list.push(fromHead(id, head, agentOf(id)));
      return list.sort((a, b) => b.signedIn - a.signedIn);
    },

    async isOf(user, wanted) {
      if (of === undefined) return (await devices.agents(user)).has(wanted);
      for await (const [id] of of(user)) if (id === wanted) return true;
      return false;
    },

    async endAll(user, except) {
      if (byUser) return (await byUser.revoke(user, except === undefined ? {} : { except })) ?? null;
      let ended = 0;
      for await (const [id] of lookedUp(user)) {
        if (id === except) continue;
        await sessions.destroy(id);
        ended++;
      }
      return ended;
    },
  };

  /** A device is remembered before its session is bound to the user, so none is missed. */
  async function* lookedUp(user: string): AsyncIterable<readonly [string, Head]> {
    for (const id of (await devices.agents(user)).keys()) {
      const stored = await inspect(id);
      if (stored?.head.user === user) yield [id, stored.head];
    }
  }
}

function fromHead(id: string, head: Head, agent: string): SignIn {
  return {
    id,
    agent,
    created: head.createdAt,
    signedIn: head.signedInAt ?? head.createdAt,
    expires: head.expiresAt,
    remember: head.remember ?? false,
  };
}

/** Every sign-in of the cinema is remembered. */
function atHand({ id, signedInAt = 0 }: Session<CinemaSession>, agent: string): SignIn {
  return { id, agent, created: signedInAt, signedIn: signedInAt, expires: null, remember: true };
}
