/**
 * Movies in a grid: a poster, a name, a line about it.
 *
 * The whole card is one link, so there is one tab stop for a film; whatever else belongs to it comes after the link.
 */
import { el } from '../dom.js';
import { kinds, nameOf } from '../format.js';
import { t } from '../language.js';
import { poster, score } from './pictures.js';

export function movieGrid(movies, more = () => null) {
  return el(
    'ul.movies',
    {},
    movies.map((movie) => el('li', {}, movieCard(movie), more(movie))),
  );
}

function movieCard(movie) {
  const about = [kinds(movie.movieType), movie.duration && t('minutes', { minutes: movie.duration })];
  return el(
    'a.movie-card',
    { href: `#/movies/${movie.id}` },
    poster(movie),
    el('span.movie-name', {}, nameOf(movie)),
    el('span.movie-about', {}, about.filter(Boolean).join(' · ')),
    movie.ratingNum > 0 && score(movie),
  );
}
