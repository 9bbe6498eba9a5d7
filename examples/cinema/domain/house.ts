/**
 * What every rule of the cinema stands on: the database, the clock, a dice that cannot be foreseen, the price of a hash.
 *
 * All are handed in. Tests bring their own clock and dice, so that nothing waits ten minutes to see an order expire and
 * nobody plays forty rounds to win a coupon.
 */
import { randomInt, randomUUID } from 'node:crypto';
import type { Database } from '../db/schema.js';
import type { HashCost } from './passwords.js';

export interface House {
  readonly db: Database;
  /** Epoch milliseconds. */
  now(): number;
  /** A whole number, 0 <= n < below, from a cryptographically strong source. */
  draw(below: number): number;
  readonly hashCost: HashCost;
}

export const fairDice = (below: number): number => randomInt(below);

/** 32 hex characters, the shape of id that the front end knows. */
export function newId(): string {
  return randomUUID().replaceAll('-', '');
}

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;
