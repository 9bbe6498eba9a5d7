/** The showings: those on sale for a film, one of them, and its taken seats. */
import type { Selectable } from 'kysely';
import type { Database, Screens as ScreenRow } from '../db/schema.js';
import { endOfSale } from './calendar.js';
import type { House } from './house.js';
import { say } from './messages.js';
import { refuse } from './refusal.js';

export type Screen = Selectable<ScreenRow>;

export interface Screens {
  /** Later than now, and within the days on sale. */
  onSale(movieId: string): Promise<Screen[]>;
  /** Refuses an unknown one. */
  one(id: string): Promise<Screen>;
  /** Seats of paid orders, and of unpaid ones that have not expired. */
  takenSeats(id: string): Promise<number[]>;
}

export function screens({ db, now }: House): Screens {
  const one = (id: string) => findScreen(db, id);
  return {
    one,

    onSale: (movieId) =>
      db
        .selectFrom('screens')
        .selectAll()
        .where('movieId', '=', movieId)
        .where('time', '>', now())
        .where('time', '<', endOfSale(now()))
        .orderBy('time')
        .orderBy('hallNum')
        .execute(),

    async takenSeats(id) {
      await one(id);
      const rows = await db
        .selectFrom('takenSeats')
        .innerJoin('orders', 'orders.id', 'takenSeats.orderId')
        .select('takenSeats.seat')
        .where('takenSeats.screenId', '=', id)
        .where((eb) => eb.or([eb('orders.paidAt', 'is not', null), eb('orders.expiresAt', '>', now())]))
        .orderBy('takenSeats.seat')
        .execute();
      return rows.map((row) => row.seat);
    },
  };
}

export async function findScreen(db: Database, id: string): Promise<Screen> {
  const screen = await db.selectFrom('screens').selectAll().where('id', '=', id).executeTakeFirst();
  return screen ?? refuse(say.noSuchScreen);
}
