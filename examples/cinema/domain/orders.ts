/**
 * Orders: making, reading, cancelling, forgetting. Paying is in payment.ts.
 *
 * The idea: take first, look afterwards. An order and its seats are inserted in one transaction with `on conflict do
 * nothing`; what did not go in belongs to somebody else, and the transaction is undone. No lock is held while thinking,
 * and two servers cannot sell one seat, because taken_seats has (showing, seat) as its key. An unpaid order lives ten
 * minutes: every query looks at `expiresAt` itself, and the sweep only tidies up.
 */
import type { Selectable } from 'kysely';
import type { Database, Orders as OrderRow } from '../db/schema.js';
import { transact } from '../db/transact.js';
import { type House, minute, newId } from './house.js';
import { say } from './messages.js';
import { refuse } from './refusal.js';
import { findScreen, type Screen } from './screens.js';
import { parseSeats } from './seats.js';

export type Order = Selectable<OrderRow>;

/** An order with what the front end shows beside it. */
export interface OrderView extends Order {
  readonly movieId: string;
  readonly name: string;
  readonly duration: number;
  readonly screenTime: number;
}

export interface Orders {
  create(userId: string, screenId: string, seats: string): Promise<Order>;
  list(userId: string): Promise<OrderView[]>;
  one(userId: string, id: string): Promise<OrderView>;
  cancel(userId: string, id: string): Promise<void>;
  /** Removes unpaid orders whose time is over, and with them their seats. */
  sweep(): Promise<void>;
}

export const ORDER_LIFETIME_MS = 10 * minute;

export function orders({ db, now }: House): Orders {
  /** This user's orders that exist: paid, or not yet expired. */
  const living = (userId: string) =>
    db
      .selectFrom('orders')
      .innerJoin('screens', 'screens.id', 'orders.screenId')
      .innerJoin('movies', 'movies.id', 'screens.movieId')
      .selectAll('orders')
      .select(['screens.movieId', 'movies.name', 'movies.duration', 'screens.time as screenTime'])
      .where('orders.userId', '=', userId)
      .where((eb) => eb.or([eb('orders.paidAt', 'is not', null), eb('orders.expiresAt', '>', now())]));

  const one = async (userId: string, id: string): Promise<OrderView> =>
    (await living(userId).where('orders.id', '=', id).executeTakeFirst()) ?? refuse(say.noSuchOrder);

  return {
    one,
    list: (userId) => living(userId).orderBy('orders.createdAt', 'desc').orderBy('orders.id').execute(),
    sweep: () => removeExpired(db, now()),

    async create(userId, screenId, text) {
      const at = now();
      const screen = await findScreen(db, screenId);
      if (screen.time <= at) refuse(say.screenStarted);
      if (await living(userId).where('orders.paidAt', 'is', null).executeTakeFirst()) refuse(say.unpaidOrder);
      const seats = parseSeats(text, screen.ticketNum);
      const order = newOrder(userId, screen, seats, at);
      await transact(db, async (tx) => {
        await removeExpired(tx, at);
        if (!(await insertOrder(tx, order))) refuse(say.unpaidOrder);
        const lost = await takeSeats(tx, order, seats);
        if (lost.length > 0) refuse(say.seatsTaken(lost));
      });
      return order;
    },

    async cancel(userId, id) {
      await one(userId, id);
      const done = await db
        .deleteFrom('orders')
        .where('id', '=', id)
        .where('userId', '=', userId)
        .where('paidAt', 'is', null)
        .executeTakeFirst();
      if (done.numDeletedRows === 1n) return;
      await one(userId, id);
      refuse(say.paidNotCancelled);
    },
  };
}

function newOrder(userId: string, screen: Screen, seats: readonly number[], at: number): Order {
  const totalCents = seats.length * screen.priceCents;
  return {
    id: newId(),
    userId,
    screenId: screen.id,
    seats: JSON.stringify(seats),
    createdAt: at,
    expiresAt: at + ORDER_LIFETIME_MS,
    paidAt: null,
    couponId: null,
    totalCents,
    payCents: totalCents,
  };
}

/** The seats follow by the foreign key's cascade. A payment under way holds the row, and `paidAt` is looked at again after it. */
async function removeExpired(db: Database, at: number): Promise<void> {
  await db.deleteFrom('orders').where('paidAt', 'is', null).where('expiresAt', '<=', at).execute();
}

async function insertOrder(tx: Database, order: Order): Promise<boolean> {
  const done = await tx
    .insertInto('orders')
    .values(order)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return done.numInsertedOrUpdatedRows === 1n;
}

/** Takes what is free; returns what was not. In rising order, so that two buyers in PostgreSQL never wait for each other in a circle. */
async function takeSeats(tx: Database, { id, screenId }: Order, seats: readonly number[]): Promise<number[]> {
  const wanted = [...seats].sort((a, b) => a - b);
  const got = await tx
    .insertInto('takenSeats')
    .values(wanted.map((seat) => ({ screenId, seat, orderId: id })))
    .onConflict((conflict) => conflict.doNothing())
    .returning('seat')
    .execute();
  const mine = new Set(got.map((row) => row.seat));
  return wanted.filter((seat) => !mine.has(seat));
}
