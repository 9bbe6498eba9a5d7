/** The films: search, recommendations, one of them, and those a user has seen (paid orders, each film once). */
import { type Selectable, sql } from 'kysely';
import type { Movies as MovieRow } from '../db/schema.js';
import type { House } from './house.js';
import { say } from './messages.js';
import { refuse } from './refusal.js';

export type Movie = Selectable<MovieRow>;

export interface Movies {
  list(query: string): Promise<Movie[]>;
  recommended(): Promise<Movie[]>;
  /** Refuses an unknown one. */
  one(id: string): Promise<Movie>;
  seenBy(userId: string): Promise<Movie[]>;
}

const QUERY_MAX = 100;

export function movies({ db }: House): Movies {
  const showing = () => db.selectFrom('movies').selectAll('movies').where('movies.expiredAt', 'is', null);

  return {
    list(query) {
      const films = showing().orderBy('playingTime', 'desc').orderBy('id');
      if (query === '') return films.execute();
      const pattern = containing(query.slice(0, QUERY_MAX));
      return films
        .where(sql<boolean>`(lower(name) like ${pattern} escape '!' or lower(english_name) like ${pattern} escape '!')`)
        .execute();
    },

    recommended: () =>
      showing().innerJoin('recommends', 'recommends.movieId', 'movies.id').orderBy('movies.id').execute(),

    async one(id) {
      const movie = await db.selectFrom('movies').selectAll().where('id', '=', id).executeTakeFirst();
      return movie ?? refuse(say.noSuchMovie);
    },

    seenBy: (userId) =>
      db
        .selectFrom('movies')
        .selectAll()
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('orders')
            .innerJoin('screens', 'screens.id', 'orders.screenId')
            .select('screens.movieId')
            .where('orders.userId', '=', userId)
            .where('orders.paidAt', 'is not', null),
        )
        .orderBy('playingTime', 'desc')
        .execute(),
  };
}

/** A pattern for `like ... escape '!'` in which `%` and `_` of the visitor are only letters. */
function containing(text: string): string {
  return `%${text.toLowerCase().replace(/[!%_]/g, '!$&')}%`;
}
