/**
 * Pictures and small drawn values: posters, portraits, stars.
 *
 * A picture keeps its place while it loads and has a stand-in when it cannot be had; nothing on the page jumps or stays
 * blank because of one.
 */
import { el } from '../dom.js';
import { icon } from '../icons.js';
import { said, t } from '../language.js';

/** A poster keeps its place while it loads, and shows a sign when it cannot be had. */
export function poster(movie, { eager = false } = {}) {
  const frame = el('span.poster');
  const image = el('img', {
    src: movie.poster,
    alt: '',
    width: 300,
    height: 450,
    loading: eager ? 'eager' : 'lazy',
    onerror: () => frame.replaceChildren(icon('reel')),
  });
  frame.append(image);
  return frame;
}

export function avatar(user, big = false) {
  const initial = el('span', {}, Array.from(said(user.nickname) ?? '?')[0]);
  const frame = el(big ? 'span.avatar.avatar-big' : 'span.avatar', { 'aria-hidden': 'true' }, initial);
  if (!user.avatar) return frame;
  frame.append(el('img', { src: user.avatar, alt: '', onerror: (event) => event.target.remove() }));
  return frame;
}

/** Five stars, filled up to `rating` in steps of a tenth; the number is said, not only drawn. */
export function stars(rating) {
  const text = t('ratingOf', { rating: Number(rating).toFixed(1) });
  const row = () => Array.from({ length: 5 }, () => icon('star'));
  return el(
    'span.stars',
    { role: 'img', 'aria-label': text },
    el('span.stars-off', {}, row()),
    el('span.stars-on', { vars: { '--part': `${(rating / 5) * 100}%` } }, row()),
  );
}

/** Rating in one line: stars and number, or that nobody has rated yet. */
export function score(movie) {
  if (!movie.ratingNum) return el('span.score.quiet', {}, t('unrated'));
  return el('span.score', {}, stars(movie.rating), el('b', {}, Number(movie.rating).toFixed(1)));
}
