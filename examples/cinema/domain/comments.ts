/**
 * Comments with a rating. A user has one voice per film: commenting again replaces the earlier words and stars.
 *
 * The film's row carries sum and count, and every change adds a difference to them in one statement. The film is taken
 * first, with an update that changes nothing: two comments on one film then queue, in SQLite and in PostgreSQL alike.
 */
import type { Database } from '../db/schema.js';
import { transact } from '../db/transact.js';
import { type House, newId } from './house.js';
import { say } from './messages.js';
import type { Movies } from './movies.js';
import { refuse } from './refusal.js';

export interface CommentView {
  readonly id: string;
  readonly userId: string;
  readonly avatar: string;
  readonly nickname: string;
  readonly content: string;
  readonly ratingTenths: number;
}

export interface Comments {
  of(movieId: string): Promise<CommentView[]>;
  one(id: string): Promise<CommentView>;
  /** `rating`: 0 to 5 stars, as text. Returns the comment's id. */
  add(userId: string, movieId: string, rating: string, content: string): Promise<string>;
}

const CONTENT_MAX = 1000;
const LIST_MAX = 500;

export function comments({ db, now }: House, movies: Movies): Comments {
  const views = () =>
    db
      .selectFrom('comments')
      .innerJoin('users', 'users.id', 'comments.userId')
      .select([
        'comments.id',
        'comments.userId',
        'users.avatar',
        'users.nickname',
        'comments.content',
        'comments.ratingTenths',
      ]);

  return {
    async of(movieId) {
      await movies.one(movieId);
      return views()
        .where('comments.movieId', '=', movieId)
        .orderBy('comments.createdAt', 'desc')
        .limit(LIST_MAX)
        .execute();
    },

    async one(id) {
      return (await views().where('comments.id', '=', id).executeTakeFirst()) ?? refuse(say.noSuchComment);
    },

    async add(userId, movieId, rating, content) {
      await movies.one(movieId);
      const ratingTenths = tenths(rating);
      const words = content.trim();
      if (words === '') refuse(say.emptyComment);
      if (words.length > CONTENT_MAX) refuse(say.commentTooLong);
      return transact(db, (tx) =>
        voice(tx, { id: newId(), userId, movieId, content: words, ratingTenths, createdAt: now() }),
      );
    },
  };
}

interface Voice {
  id: string;
  userId: string;
  movieId: string;
  content: string;
  ratingTenths: number;
  createdAt: number;
}

async function voice(tx: Database, comment: Voice): Promise<string> {
  await addRating(tx, comment.movieId, 0, 0);
  const { userId, movieId, content, ratingTenths, createdAt } = comment;
  const earlier = await tx
    .selectFrom('comments')
    .select(['id', 'ratingTenths'])
    .where('userId', '=', userId)
    .where('movieId', '=', movieId)
    .executeTakeFirst();
  if (!earlier) {
    await tx.insertInto('comments').values(comment).execute();
    await addRating(tx, movieId, ratingTenths, 1);
    return comment.id;
  }
  await tx.updateTable('comments').set({ content, ratingTenths, createdAt }).where('id', '=', earlier.id).execute();
  await addRating(tx, movieId, ratingTenths - earlier.ratingTenths, 0);
  return earlier.id;
}

async function addRating(tx: Database, movieId: string, plusTenths: number, plusVoices: number): Promise<void> {
  await tx
    .updateTable('movies')
    .set((eb) => ({ ratingTenths: eb('ratingTenths', '+', plusTenths), ratingNum: eb('ratingNum', '+', plusVoices) }))
    .where('id', '=', movieId)
    .execute();
}

function tenths(text: string): number {
  if (!/^[0-5](\.\d)?\d*$/.test(text) || Number(text) > 5) refuse(say.badRating);
  return Math.round(Number(text) * 10);
}
