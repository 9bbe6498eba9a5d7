/**
 * Counting tries, for all servers together: one row per thing that is limited, raised by one atomic statement.
 *
 * A try is counted before it is judged. Counting failures afterwards would let a hundred parallel guesses through before
 * the first failure is written down. Success gives the account's tries back. Counters per process were rejected: three
 * servers would allow three times as much, and a restart would forgive everything.
 */
import { sql } from 'kysely';
import { type House, hour, minute } from './house.js';

interface Rule {
  readonly tries: number;
  readonly withinMs: number;
}

export const rules = {
  loginPerAccount: { tries: 10, withinMs: 15 * minute },
  loginPerAddress: { tries: 100, withinMs: 15 * minute },
  registerPerAddress: { tries: 60, withinMs: hour },
  codePerMobile: { tries: 1, withinMs: minute },
  codePerAddress: { tries: 60, withinMs: hour },
  payPasswordPerAccount: { tries: 10, withinMs: 15 * minute },
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof rules;

export interface Limits {
  /** Counts one try of `who`; false when there have been too many. */
  spend(rule: RuleName, who: string): Promise<boolean>;
  /** The try succeeded: start counting afresh. */
  forgive(rule: RuleName, who: string): Promise<void>;
}

export function limits({ db, now }: House): Limits {
  return {
    async spend(rule, who) {
      const { tries, withinMs } = rules[rule];
      const at = now();
      const row = await db
        .insertInto('attempts')
        .values({ key: `${rule}:${who}`, count: 1, resetsAt: at + withinMs })
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet({
            count: sql<number>`case when attempts.resets_at <= ${at} then 1 else attempts.count + 1 end`,
            resetsAt: sql<number>`case when attempts.resets_at <= ${at} then ${at + withinMs} else attempts.resets_at end`,
          }),
        )
        .returning('count')
        .executeTakeFirstOrThrow();
      return row.count <= tries;
    },
    async forgive(rule, who) {
      await db.deleteFrom('attempts').where('key', '=', `${rule}:${who}`).execute();
    },
  };
}
