/** The JSON of each thing, with the names the front end reads. Cents become yuan and tenths become stars here, at the door. */
import type { User } from '../domain/accounts.js';
import type { CommentView } from '../domain/comments.js';
import type { Favourite } from '../domain/favourites.js';
import type { Movie } from '../domain/movies.js';
import type { OrderView } from '../domain/orders.js';
import type { Coupon } from '../domain/payment.js';
import type { Screen } from '../domain/screens.js';

const yuan = (cents: number): number => cents / 100;
const userPicture = (file: string): string => `/static/images/user/${file}`;

export function userShape(user: User): object {
  const { id, nickname, description } = user;
  return { id, nickname, avatar: userPicture(user.avatar), description, money: yuan(user.moneyCents) };
}

export function movieShape(movie: Movie): object {
  const {
    id,
    name,
    englishName,
    description,
    englishDescription,
    movieType,
    playingType,
    playingTime,
    duration,
    ratingNum,
  } = movie;
  const rating = ratingNum === 0 ? 0 : Math.round((movie.ratingTenths / ratingNum) * 10) / 100;
  const poster = posterOf(movie);
  return {
    id,
    name,
    englishName,
    poster,
    movieType,
    playingType,
    playingTime,
    duration,
    rating,
    ratingNum,
    description,
    englishDescription,
  };
}

export function recommendShape(movie: Movie): object {
  return { movieId: movie.id, poster: posterOf(movie), playingTime: movie.playingTime };
}

export function seenShape(movie: Movie): object {
  const { id, name, englishName, movieType, playingType, playingTime } = movie;
  return { id, name, englishName, movieType, playingType, playingTime, poster: posterOf(movie) };
}

export function screenShape(screen: Screen, movie: Movie): object {
  const { id, time, ticketNum, hallNum } = screen;
  return {
    id,
    movie: movieShape(movie),
    time,
    price: yuan(screen.priceCents),
    ticketNum,
    hallNum,
    playingType: movie.playingType,
  };
}

export function orderShape(order: OrderView): object {
  const { id, screenId, movieId, duration, name, screenTime, couponId } = order;
  return {
    id,
    screenId,
    movieId,
    duration,
    name,
    screenTime,
    createTime: order.createdAt,
    username: order.userId,
    seat: JSON.parse(order.seats) as number[],
    status: order.paidAt !== null,
    couponId,
    payPrice: yuan(order.payCents),
    totalPrice: yuan(order.totalCents),
  };
}

export function couponShape(coupon: Coupon): object {
  const { id, conditionCents, discountCents, expiresAt, usedAt } = coupon;
  return {
    id,
    discount: yuan(discountCents),
    condition: yuan(conditionCents),
    expiredTime: expiresAt,
    status: usedAt !== null,
  };
}

export function favouriteShape([favourite, movie]: readonly [Favourite, Movie]): object {
  return { id: favourite.id, username: favourite.userId, movie: movieShape(movie) };
}

export function commentShape(comment: CommentView): object {
  const { id, userId, content, nickname } = comment;
  return {
    id,
    username: userId,
    avatar: userPicture(comment.avatar),
    content,
    rating: comment.ratingTenths / 10,
    nickname,
  };
}

function posterOf(movie: Movie): string {
  return `/static/images/poster/${movie.poster}`;
}
