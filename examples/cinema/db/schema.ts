/**
 * The tables of the cinema, as TypeScript sees them. tables.ts makes them.
 *
 * Two rules keep one code for SQLite and PostgreSQL: money is whole cents and time is epoch milliseconds, both integers;
 * and there are no booleans (libsql ends the whole process when one is bound). A flag is the time at which it became
 * true, or null: `paidAt` answers "paid?" and "when?" at once.
 */
import type { Kysely } from 'kysely';

export type Database = Kysely<Schema>;

export interface Schema {
  users: Users;
  avatars: Avatars;
  smsCodes: SmsCodes;
  attempts: Attempts;
  devices: Devices;
  movies: Movies;
  recommends: { movieId: string };
  screens: Screens;
  orders: Orders;
  takenSeats: TakenSeats;
  coupons: Coupons;
  favorites: Favorites;
  comments: Comments;
}

export interface Users {
  /** The mobile number. */
  id: string;
  password: string;
  payPassword: string;
  nickname: string;
  description: string;
  /** File name under /static/images/user/. */
  avatar: string;
  moneyCents: number;
}

/** Uploaded pictures live in the database, so that every server can serve them, on this machine or another. */
export interface Avatars {
  file: string;
  userId: string;
  type: string;
  bytes: Uint8Array | ArrayBuffer;
}

export interface SmsCodes {
  mobile: string;
  code: string;
  triesLeft: number;
  expiresAt: number;
}

/** One counter per thing that is limited, such as `login:13800138000`. */
export interface Attempts {
  key: string;
  count: number;
  resetsAt: number;
}

/** What a session's owner wants to see of it besides the session's own head. */
export interface Devices {
  sessionId: string;
  userId: string;
  agent: string;
  signedInAt: number;
}

export interface Movies {
  id: string;
  name: string;
  englishName: string;
  description: string;
  englishDescription: string;
  playingTime: number;
  duration: number;
  movieType: string;
  playingType: string;
  poster: string;
  /** Ratings are tenths of a star: sums of integers never drift. */
  ratingTenths: number;
  ratingNum: number;
  expiredAt: number | null;
}

export interface Screens {
  id: string;
  movieId: string;
  time: number;
  hallNum: number;
  priceCents: number;
  ticketNum: number;
}

export interface Orders {
  id: string;
  userId: string;
  screenId: string;
  /** JSON list of numbers, in the order the buyer named them. The rows of takenSeats are what counts. */
  seats: string;
  createdAt: number;
  /** When an unpaid order stops to exist. */
  expiresAt: number;
  paidAt: number | null;
  couponId: string | null;
  totalCents: number;
  payCents: number;
}

export interface TakenSeats {
  screenId: string;
  seat: number;
  orderId: string;
}

export interface Coupons {
  id: string;
  userId: string;
  conditionCents: number;
  discountCents: number;
  expiresAt: number;
  usedAt: number | null;
}

export interface Favorites {
  id: string;
  userId: string;
  movieId: string;
  createdAt: number;
}

export interface Comments {
  id: string;
  userId: string;
  movieId: string;
  content: string;
  ratingTenths: number;
  createdAt: number;
}
