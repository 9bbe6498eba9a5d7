/**
 * Throws away what has expired. Nothing depends on it: every query looks at the deadlines itself. It only keeps the
 * tables small, so that it does not matter when it runs, how often, or on how many servers at once.
 */

import { devices } from './devices.js';
import type { House } from './house.js';
import { orders } from './orders.js';

export async function sweep(house: House): Promise<void> {
  const { db, now } = house;
  await orders(house).sweep();
  await devices(house).sweep();
  await db.deleteFrom('smsCodes').where('expiresAt', '<=', now()).execute();
  await db.deleteFrom('attempts').where('resetsAt', '<=', now()).execute();
}
