/**
 * The six digits that a new user gets by text message.
 *
 * From a strong generator, valid for ten minutes, for one use and five tries. They live in the database and not in the
 * session: the code belongs to the mobile number, and the wrong tries of all sessions together must be counted.
 * `check` takes a try before it compares, in one statement, so parallel guesses cannot share one.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Database } from '../db/schema.js';
import { type House, minute } from './house.js';
import type { Limits } from './limits.js';
import { say } from './messages.js';
import { refuse } from './refusal.js';

const LIFETIME_MS = 10 * minute;
const TRIES = 5;

export interface Codes {
  /** Makes a new code; an older one of the same number stops working. */
  request(mobile: string, address: string): Promise<string>;
  check(mobile: string, code: string): Promise<void>;
  /** Takes the code away, inside the transaction that makes use of it. False when somebody was faster. */
  consume(tx: Database, mobile: string): Promise<boolean>;
}

export function isMobile(text: string): boolean {
  return /^1\d{10}$/.test(text);
}

export function codes({ db, now, draw }: House, limits: Limits): Codes {
  return {
    async request(mobile, address) {
      if (!isMobile(mobile)) refuse(say.badMobile);
      if (!(await limits.spend('codePerAddress', address))) refuse(say.tooOften);
      if (!(await limits.spend('codePerMobile', mobile))) refuse(say.tooOften);
      const fresh = {
        code: String(draw(1_000_000)).padStart(6, '0'),
        triesLeft: TRIES,
        expiresAt: now() + LIFETIME_MS,
      };
      await db
        .insertInto('smsCodes')
        .values({ mobile, ...fresh })
        .onConflict((conflict) => conflict.column('mobile').doUpdateSet(fresh))
        .execute();
      return fresh.code;
    },

    async check(mobile, code) {
      if (!/^\d{6}$/.test(code)) refuse(say.badCode);
      const row = await db
        .updateTable('smsCodes')
        .set((eb) => ({ triesLeft: eb('triesLeft', '-', 1) }))
        .where('mobile', '=', mobile)
        .where('expiresAt', '>', now())
        .where('triesLeft', '>', 0)
        .returning('code')
        .executeTakeFirst();
      if (!row) refuse(say.askForCodeFirst);
      if (!timingSafeEqual(Buffer.from(row.code), Buffer.from(code))) refuse(say.wrongCode);
    },

    async consume(tx, mobile) {
      const result = await tx.deleteFrom('smsCodes').where('mobile', '=', mobile).executeTakeFirst();
      return result.numDeletedRows === 1n;
    },
  };
}
