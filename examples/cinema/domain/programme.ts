/**
 * Fills the cinema: the films once, and showings for today and the two days after it, again and again as days pass.
 *
 * Everything is computed from the day's number, and ids are digests of what they name. So every server comes to the same
 * rows by itself, `on conflict do nothing` lets them all write at once, and nobody has to be the one that seeds.
 */
import { createHash } from 'node:crypto';
import type { Database } from '../db/schema.js';
import { transact } from '../db/transact.js';
import { DAYS_ON_SALE, dayNumber, dayStart } from './calendar.js';
import { catalogue, type Film } from './catalogue.js';
import { day, type House, hour, minute } from './house.js';
import type { Movie } from './movies.js';
import type { Screen } from './screens.js';

export const HALLS = 5;
export const HALL_SEATS = 120;

const PRICE_CENTS = 3000;
const DOORS_OPEN_MS = 10 * hour;
const LAST_START_MS = 22.5 * hour;
const CLEANING_MS = 20 * minute;

export interface Programme {
  /** Makes sure that today's programme stands. Free when it does. */
  ready(): Promise<void>;
}

export function programme({ db, now }: House): Programme {
  let preparedDay: number | undefined;
  let preparing: Promise<void> | undefined;

  const prepareDay = async (today: number): Promise<void> => {
    try {
      await prepare(db, today);
      preparedDay = today;
    } finally {
      preparing = undefined;
    }
  };

  return {
    async ready() {
      const today = dayNumber(now());
      if (preparedDay === today) return;
      preparing ??= prepareDay(today);
      await preparing;
    },
  };
}

async function prepare(db: Database, today: number): Promise<void> {
  await transact(db, async (tx) => {
    await openWith(tx, today);
    const films = await tx.selectFrom('movies').selectAll().where('expiredAt', 'is', null).orderBy('id').execute();
    const showings = Array.from({ length: DAYS_ON_SALE }, (_, ahead) => showingsOf(today + ahead, films)).flat();
    if (showings.length === 0) return;
    await tx
      .insertInto('screens')
      .values(showings)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  });
}

async function openWith(tx: Database, today: number): Promise<void> {
  await tx
    .insertInto('movies')
    .values(catalogue.map((film) => movieOf(film, today)))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto('recommends')
    .values(catalogue.filter((film) => film.recommended).map((film) => ({ movieId: stableId(film.slug) })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function movieOf(film: Film, today: number): Movie {
  const { slug, daysOut, recommended: _, scene: __, colours: ___, ...shown } = film;
  return {
    ...shown,
    id: stableId(slug),
    poster: `${slug}.svg`,
    playingTime: dayStart(today) - daysOut * day,
    ratingTenths: 0,
    ratingNum: 0,
    expiredAt: null,
  };
}

/** One day's showings in all halls, of the films that are out by then. */
function showingsOf(dayOf: number, films: readonly Movie[]): Screen[] {
  const out = films.filter((film) => film.playingTime <= dayStart(dayOf));
  if (out.length === 0) return [];
  return Array.from({ length: HALLS }, (_, index) => hallDay(dayOf, index + 1, out)).flat();
}

function hallDay(dayOf: number, hallNum: number, films: readonly Movie[]): Screen[] {
  const showings: Screen[] = [];
  let start = DOORS_OPEN_MS + hallNum * 15 * minute;
  for (let slot = 0; start <= LAST_START_MS; slot++) {
    const film = films[(dayOf * 3 + hallNum * 2 + slot * 7) % films.length]!;
    const id = stableId(`${dayOf}/${hallNum}/${slot}`);
    showings.push({
      id,
      movieId: film.id,
      time: dayStart(dayOf) + start,
      hallNum,
      priceCents: PRICE_CENTS,
      ticketNum: HALL_SEATS,
    });
    start += roundedUp(film.duration * minute + CLEANING_MS);
  }
  return showings;
}

function roundedUp(ms: number): number {
  return Math.ceil(ms / (5 * minute)) * 5 * minute;
}

function stableId(of: string): string {
  return createHash('sha256').update(`cinema/${of}`).digest('hex').slice(0, 32);
}
