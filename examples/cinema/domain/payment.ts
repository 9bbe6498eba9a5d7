/**
 * Paying: one transaction of conditional updates, each of which either moves exactly one row or undoes everything.
 *
 * The order is marked paid first; that takes its row, so of two payments at once the second waits and then finds
 * nothing to pay. Coupon and purse follow the same way, so neither is spent twice. Reading balances and writing
 * differences back was how the original lost money. The payment password is checked before, outside the transaction.
 */
import type { Selectable } from 'kysely';
import type { Coupons as CouponRow, Database } from '../db/schema.js';
import { transact } from '../db/transact.js';
import type { Accounts } from './accounts.js';
import { day, type House, newId } from './house.js';
import { say } from './messages.js';
import type { Order, Orders } from './orders.js';
import { refuse } from './refusal.js';
import { findScreen } from './screens.js';

export type Coupon = Selectable<CouponRow>;

export interface Payment {
  /** Pays, and sometimes wins a coupon for next time. */
  pay(userId: string, orderId: string, payPassword: string, couponId: string): Promise<Coupon | null>;
}

const WIN_PERCENT = 40;
const PRIZES = [
  { conditionCents: 3000, discountCents: 500 },
  { conditionCents: 5000, discountCents: 1200 },
] as const;
const VALID_DAYS = { least: 7, most: 15 };

export function payment(house: House, accounts: Accounts, orders: Orders): Payment {
  const { db, now } = house;
  return {
    async pay(userId, orderId, payPassword, couponId) {
      await accounts.checkPayPassword(userId, payPassword);
      const order = await orders.one(userId, orderId);
      if (order.paidAt !== null) refuse(say.alreadyPaid);
      const at = now();
      return transact(db, async (tx) => {
        if ((await findScreen(tx, order.screenId)).time <= at) refuse(say.screenStarted);
        await markPaid(tx, order, couponId || null, at);
        const discount = couponId === '' ? 0 : await spendCoupon(tx, userId, couponId, order.totalCents, at);
        const payCents = Math.max(0, order.totalCents - discount);
        await takeMoney(tx, userId, payCents);
        await tx.updateTable('orders').set({ payCents }).where('id', '=', orderId).execute();
        return drawCoupon(tx, house, userId);
      });
    },
  };
}

async function markPaid(tx: Database, order: Order, couponId: string | null, at: number): Promise<void> {
  const done = await tx
    .updateTable('orders')
    .set({ paidAt: at, couponId })
    .where('id', '=', order.id)
    .where('paidAt', 'is', null)
    .where('expiresAt', '>', at)
    .executeTakeFirst();
  if (done.numUpdatedRows === 1n) return;
  const now = await tx.selectFrom('orders').select('paidAt').where('id', '=', order.id).executeTakeFirst();
  refuse(now?.paidAt ? say.alreadyPaid : say.noSuchOrder);
}

/** Returns what it is worth. */
async function spendCoupon(
  tx: Database,
  userId: string,
  couponId: string,
  totalCents: number,
  at: number,
): Promise<number> {
  const coupon = await tx
    .selectFrom('coupons')
    .selectAll()
    .where('id', '=', couponId)
    .where('userId', '=', userId)
    .executeTakeFirst();
  if (!coupon) refuse(say.noSuchCoupon);
  if (coupon.usedAt !== null) refuse(say.couponUsed);
  if (coupon.expiresAt <= at) refuse(say.couponExpired);
  if (coupon.conditionCents > totalCents) refuse(say.belowCondition);
  const done = await tx
    .updateTable('coupons')
    .set({ usedAt: at })
    .where('id', '=', couponId)
    .where('usedAt', 'is', null)
    .executeTakeFirst();
  if (done.numUpdatedRows === 0n) refuse(say.couponUsed);
  return coupon.discountCents;
}

async function takeMoney(tx: Database, userId: string, cents: number): Promise<void> {
  const done = await tx
    .updateTable('users')
    .set((eb) => ({ moneyCents: eb('moneyCents', '-', cents) }))
    .where('id', '=', userId)
    .where('moneyCents', '>=', cents)
    .executeTakeFirst();
  if (done.numUpdatedRows === 0n) refuse(say.notEnoughMoney);
}

async function drawCoupon(tx: Database, { now, draw }: House, userId: string): Promise<Coupon | null> {
  if (draw(100) >= WIN_PERCENT) return null;
  const prize = PRIZES[draw(PRIZES.length)] ?? PRIZES[0];
  const days = VALID_DAYS.least + draw(VALID_DAYS.most - VALID_DAYS.least + 1);
  const coupon: Coupon = { id: newId(), userId, ...prize, expiresAt: now() + days * day, usedAt: null };
  await tx.insertInto('coupons').values(coupon).execute();
  return coupon;
}
