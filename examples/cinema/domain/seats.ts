/** Seat numbers as they arrive: "36,37", each 1 to the size of the hall, none twice, four at most. */
import { say } from './messages.js';
import { refuse } from './refusal.js';

export const SEATS_PER_ORDER = 4;

export function parseSeats(text: string, hallSize: number): number[] {
  const seats = text.split(',').map((part) => (/^\s*\d{1,4}\s*$/.test(part) ? Number(part) : 0));
  if (seats.some((seat) => seat < 1 || seat > hallSize)) refuse(say.badSeat);
  if (new Set(seats).size !== seats.length) refuse(say.badSeat);
  if (seats.length > SEATS_PER_ORDER) refuse(say.tooManySeats);
  return seats;
}
