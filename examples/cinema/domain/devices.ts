/**
 * What each signed-in session runs on, for the list "where you are signed in".
 *
 * The truth about sessions is the session store, which says what is alive. This table only remembers the
 * browser's name that came with the sign-in, which the owner recognises. A row without a session is never shown, and
 * goes with a sweep in the end. It is written before its session is bound: where the store cannot find sessions by user, it can
 * be asked for each that stands here.
 */
import { day, type House } from './house.js';

export interface Devices {
  remember(sessionId: string, userId: string, agent: string): Promise<void>;
  agents(userId: string): Promise<ReadonlyMap<string, string>>;
  sweep(): Promise<void>;
}

const AGENT_MAX = 300;
/** No session is older: the longest absolute timeout of the example. */
const KEEP_MS = 90 * day;

export function devices({ db, now }: House): Devices {
  return {
    async remember(sessionId, userId, agent) {
      const row = { userId, agent: agent.slice(0, AGENT_MAX), signedInAt: now() };
      await db
        .insertInto('devices')
        .values({ sessionId, ...row })
        .onConflict((conflict) => conflict.column('sessionId').doUpdateSet(row))
        .execute();
    },

    async agents(userId) {
      const rows = await db.selectFrom('devices').select(['sessionId', 'agent']).where('userId', '=', userId).execute();
      return new Map(rows.map((row) => [row.sessionId, row.agent]));
    },

    async sweep() {
      await db
        .deleteFrom('devices')
        .where('signedInAt', '<', now() - KEEP_MS)
        .execute();
    },
  };
}
