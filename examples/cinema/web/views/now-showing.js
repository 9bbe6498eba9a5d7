/**
 * The front of the house: tonight's recommendation, everything that is showing, with a search, and what one looked at.
 *
 * The last comes out of the session and is there for visitors who never signed in.
 */
import { get } from '../api.js';
import { el, fill } from '../dom.js';
import { CINEMA, date, descriptionOf, kinds, nameOf } from '../format.js';
import { icon } from '../icons.js';
import { t } from '../language.js';
import { movieGrid } from '../parts/movie-card.js';
import { poster, score } from '../parts/pictures.js';
import { empty } from '../parts/states.js';
import { askForSession } from '../session.js';
import { toastTrouble } from '../toast.js';

const TYPING_MS = 250;

export async function nowShowing({ left }) {
  const [movies, recommended, session] = await Promise.all([
    get('/api/movies/', left),
    get('/api/movies/recommendation', left),
    askForSession(left),
  ]);
  const list = el('div', { id: 'movies', 'aria-live': 'polite' }, results(movies));
  const known = new Map(movies.map((movie) => [movie.id, movie]));
  const tonight = recommended.map((r) => known.get(r.movieId)).filter(Boolean);
  return el(
    'div',
    {},
    el('h1.unseen', {}, t('nowShowing')),
    hero(tonight),
    bar(list, left),
    list,
    lately(session.recent, known),
  );
}

function hero(tonight) {
  const [first, ...others] = tonight;
  if (!first) return null;
  return el(
    'section.hero',
    { 'aria-label': t('recommended') },
    el(
      'a.hero-poster',
      { href: `#/movies/${first.id}`, tabindex: '-1', 'aria-hidden': 'true' },
      poster(first, { eager: true }),
    ),
    el(
      'div.hero-text',
      {},
      el('p.eyebrow', {}, t('recommended')),
      el('h2.hero-name', {}, nameOf(first)),
      el(
        'p.facts',
        {},
        el('span', {}, kinds(first.movieType)),
        el('span', {}, t('minutes', { minutes: first.duration })),
        score(first),
      ),
      el('p.hero-about', {}, descriptionOf(first)),
      el('a.button', { href: `#/movies/${first.id}` }, t('showTimes')),
      others.length > 0 && rowOf(others.slice(0, 3), t('alsoRecommended')),
    ),
  );
}

function rowOf(movies, label) {
  const links = movies.map((movie) =>
    el('li', {}, el('a.also', { href: `#/movies/${movie.id}` }, poster(movie), nameOf(movie))),
  );
  return el('ul.also-list', { 'aria-label': label }, links);
}

function bar(list, left) {
  const input = el('input', {
    type: 'search',
    name: 'query',
    'aria-label': t('search'),
    placeholder: t('search'),
    maxlength: 60,
  });
  let timer;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => search(input.value.trim(), list, left), TYPING_MS);
  });
  const box = el('label.search', {}, icon('search'), input);
  return el('div.section-head', {}, el('h2', {}, t('nowShowing')), box);
}

/** What this visitor looked at, as the session remembers it: also for those who never signed in. */
function lately(ids, known) {
  const movies = ids.map((id) => known.get(id)).filter(Boolean);
  if (movies.length === 0) return null;
  return el('section.lately', {}, el('h2.later', {}, t('seenLately')), rowOf(movies));
}

async function search(query, list, left) {
  try {
    const movies = await get(`/api/movies/?query=${encodeURIComponent(query)}`, left);
    fill(list, results(movies, query));
    if (query) list.previousElementSibling.scrollIntoView({ behavior: isCalm() ? 'auto' : 'smooth' });
  } catch (error) {
    if (!left.aborted) toastTrouble(error);
  }
}

function isCalm() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

function results(movies, query) {
  if (movies.length > 0) return [showing(movies), comingSoon(movies)];
  if (query) return empty({ sign: 'search', title: t('nothingFound', { query }), text: t('nothingFoundText') });
  return empty({ sign: 'reel', title: t('noMovies'), text: t('noMoviesText') });
}

function showing(movies) {
  const out = movies.filter((movie) => movie.playingTime <= Date.now());
  return out.length > 0 && movieGrid(out);
}

function comingSoon(movies) {
  const later = movies.filter((movie) => movie.playingTime > Date.now());
  const from = (movie) => el('p.movie-from', {}, t('from', { date: date(movie.playingTime, CINEMA) }));
  return later.length > 0 && el('section', {}, el('h2.later', {}, t('comingSoon')), movieGrid(later, from));
}
