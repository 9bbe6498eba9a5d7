/**
 * Makes the tables, and with them the rules that must hold however many servers write at once.
 *
 * What a check in code cannot promise, an index does: a seat of a showing is taken once (primary key of taken_seats), a
 * user has one unpaid order (a partial unique index), rates and keeps a movie once. Every statement says `if not exists`:
 * three servers start together and all of them run this.
 */
import { sql } from 'kysely';
import type { Database } from './schema.js';

/** `bytes`: what this database calls a column of bytes. */
export async function makeTables(db: Database, bytes: 'blob' | 'bytea'): Promise<void> {
  await db.transaction().execute(async (tx) => {
    if (bytes === 'bytea') await sql`select pg_advisory_xact_lock(${ONE_AT_A_TIME})`.execute(tx);
    for (const statement of statements) await sql.raw(statement.replace('BYTES', bytes)).execute(tx);
  });
}

/** PostgreSQL's `if not exists` is not safe against itself; servers that start together take turns. The number is arbitrary. */
const ONE_AT_A_TIME = 230_521;

const statements: readonly string[] = [
  `create table if not exists users (
    id text primary key, password text not null, pay_password text not null, nickname text not null,
    description text not null, avatar text not null, money_cents bigint not null check (money_cents >= 0))`,
  `create table if not exists avatars (
    file text primary key, user_id text not null unique, type text not null, bytes BYTES not null)`,
  `create table if not exists sms_codes (
    mobile text primary key, code text not null, tries_left integer not null, expires_at bigint not null)`,
  `create table if not exists attempts (
    key text primary key, count integer not null, resets_at bigint not null)`,
  `create table if not exists devices (
    session_id text primary key, user_id text not null, agent text not null, signed_in_at bigint not null)`,
  'create index if not exists devices_of_user on devices (user_id)',
  `create table if not exists movies (
    id text primary key, name text not null, english_name text not null, description text not null,
    english_description text not null, playing_time bigint not null, duration integer not null, movie_type text not null,
    playing_type text not null, poster text not null unique, rating_tenths bigint not null default 0,
    rating_num integer not null default 0, expired_at bigint)`,
  'create table if not exists recommends (movie_id text primary key references movies (id))',
  `create table if not exists screens (
    id text primary key, movie_id text not null references movies (id), time bigint not null,
    hall_num integer not null check (hall_num between 1 and 5), price_cents integer not null, ticket_num integer not null)`,
  'create index if not exists screens_of_movie on screens (movie_id, time)',
  `create table if not exists orders (
    id text primary key, user_id text not null references users (id), screen_id text not null references screens (id),
    seats text not null, created_at bigint not null, expires_at bigint not null, paid_at bigint, coupon_id text,
    total_cents integer not null, pay_cents integer not null)`,
  'create unique index if not exists one_unpaid_order_per_user on orders (user_id) where paid_at is null',
  'create index if not exists orders_of_user on orders (user_id, created_at)',
  'create index if not exists unpaid_orders on orders (expires_at) where paid_at is null',
  `create table if not exists taken_seats (
    screen_id text not null, seat integer not null, order_id text not null references orders (id) on delete cascade,
    primary key (screen_id, seat))`,
  'create index if not exists seats_of_order on taken_seats (order_id)',
  `create table if not exists coupons (
    id text primary key, user_id text not null, condition_cents integer not null, discount_cents integer not null,
    expires_at bigint not null, used_at bigint)`,
  'create index if not exists coupons_of_user on coupons (user_id)',
  `create table if not exists favorites (
    id text primary key, user_id text not null, movie_id text not null references movies (id), created_at bigint not null,
    unique (user_id, movie_id))`,
  `create table if not exists comments (
    id text primary key, user_id text not null, movie_id text not null references movies (id), content text not null,
    rating_tenths integer not null, created_at bigint not null, unique (user_id, movie_id))`,
  'create index if not exists comments_of_movie on comments (movie_id, created_at)',
];
