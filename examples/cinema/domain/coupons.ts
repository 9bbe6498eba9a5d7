/** Coupons that can still be used: neither spent nor expired. They are won and spent in payment.ts. */
import type { House } from './house.js';
import type { Coupon } from './payment.js';

export interface Coupons {
  usable(userId: string): Promise<Coupon[]>;
}

export function coupons({ db, now }: House): Coupons {
  return {
    usable: (userId) =>
      db
        .selectFrom('coupons')
        .selectAll()
        .where('userId', '=', userId)
        .where('usedAt', 'is', null)
        .where('expiresAt', '>', now())
        .orderBy('expiresAt')
        .orderBy('id')
        .execute(),
  };
}
