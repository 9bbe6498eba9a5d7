/** Films that a user keeps. Each once: the table's unique key decides, not a look beforehand. */
import type { Selectable } from 'kysely';
import type { Favorites } from '../db/schema.js';
import { type House, newId } from './house.js';
import { say } from './messages.js';
import type { Movie, Movies } from './movies.js';
import { refuse } from './refusal.js';

export type Favourite = Selectable<Favorites>;

export interface Favourites {
  list(userId: string): Promise<(readonly [Favourite, Movie])[]>;
  add(userId: string, movieId: string): Promise<string>;
  remove(userId: string, id: string): Promise<void>;
}

export function favourites({ db, now }: House, movies: Movies): Favourites {
  return {
    async list(userId) {
      const kept = await db
        .selectFrom('favorites')
        .selectAll()
        .where('userId', '=', userId)
        .orderBy('createdAt', 'desc')
        .execute();
      return Promise.all(kept.map(async (one) => [one, await movies.one(one.movieId)] as const));
    },

    async add(userId, movieId) {
      await movies.one(movieId);
      const id = newId();
      const done = await db
        .insertInto('favorites')
        .values({ id, userId, movieId, createdAt: now() })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if (done.numInsertedOrUpdatedRows !== 1n) refuse(say.alreadyFavourite);
      return id;
    },

    async remove(userId, id) {
      const done = await db
        .deleteFrom('favorites')
        .where('id', '=', id)
        .where('userId', '=', userId)
        .executeTakeFirst();
      if (done.numDeletedRows === 0n) refuse(say.notYourFavourite);
    },
  };
}
