/**
 * Days as the cinema counts them.
 *
 * Everything is stored in UTC milliseconds. Only two things need to know where the cinema stands: when a day of showings
 * ends, and at what hour a film begins. It stands in China, which has kept UTC+8 without summer time since 1991, so an
 * offset is exact and no time-zone database is needed.
 */
import { day, hour } from './house.js';

export const CINEMA_OFFSET_MS = 8 * hour;

/** Tickets are sold for today and the two days after it. */
export const DAYS_ON_SALE = 3;

/** Number of the cinema's day at this instant, counted from 1970. */
export function dayNumber(at: number): number {
  return Math.floor((at + CINEMA_OFFSET_MS) / day);
}

/** The instant at which the cinema's day begins. */
export function dayStart(number: number): number {
  return number * day - CINEMA_OFFSET_MS;
}

/** Showings at or after this instant are not on sale yet. */
export function endOfSale(at: number): number {
  return dayStart(dayNumber(at) + DAYS_ON_SALE);
}
