/**
 * One movie: what it is, whether one likes it, when it is shown, what others say.
 *
 * The four requests go out together; on the fleet they reach different servers.
 */
import { account } from '../account.js';
import { get, post, Refused, remove } from '../api.js';
import { el } from '../dom.js';
import { CINEMA, date, descriptionOf, kinds, nameOf } from '../format.js';
import { icon } from '../icons.js';
import { t } from '../language.js';
import { whileBusy } from '../parts/form.js';
import { backLink } from '../parts/heading.js';
import { poster, score } from '../parts/pictures.js';
import { askToSignIn } from '../router.js';
import { toast, toastTrouble } from '../toast.js';
import { comments } from './movie-comments.js';
import { showings } from './movie-showings.js';

export async function movie({ params, left }) {
  const id = encodeURIComponent(params.id);
  const [one, screens, spoken, favourite] = await Promise.all([
    get(`/api/movies/${id}`, left),
    get(`/api/screens/?movieId=${id}`, left),
    get(`/api/comments/?movieId=${id}`, left),
    favouriteOf(params.id, left),
  ]);
  return el(
    'article.movie',
    {},
    backLink('#/', t('nowShowing')),
    el('div.movie-top', {}, poster(one, { eager: true }), about(one, favourite)),
    showings(one, screens),
    comments(one, spoken),
  );
}

function about(one, favourite) {
  return el(
    'div.movie-text',
    {},
    el('h1', {}, nameOf(one)),
    el(
      'p.facts',
      {},
      facts(one).map((fact) => el('span', {}, fact)),
    ),
    el(
      'p.movie-score',
      {},
      score(one),
      one.ratingNum > 0 && el('span.quiet', {}, t('ratings', { count: one.ratingNum })),
    ),
    el('p.movie-description', {}, descriptionOf(one)),
    heart(one, favourite),
  );
}

function facts(one) {
  const premiere =
    one.playingTime > Date.now() ? t('from', { date: date(one.playingTime, CINEMA) }) : date(one.playingTime, CINEMA);
  return [kinds(one.movieType), one.playingType, t('minutes', { minutes: one.duration }), premiere].filter(Boolean);
}

/** Asked only when somebody is signed in; a refusal means that this has just ended. */
async function favouriteOf(movieId, left) {
  if (!account()) return null;
  try {
    const mine = await get('/api/favorites/', left);
    return mine.find((favourite) => favourite.movie.id === movieId) ?? null;
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

function heart(one, favourite) {
  let id = favourite?.id ?? null;
  const text = el('span', {}, id ? t('favouriteOn') : t('favouriteOff'));
  const button = el(
    'button.button.ghost.heart',
    { type: 'button', 'aria-pressed': String(id !== null) },
    icon('heart'),
    text,
  );
  button.addEventListener('click', async () => {
    if (!account()) return askToSignIn();
    id = await whileBusy(button, () => toggle(one.id, id));
    button.setAttribute('aria-pressed', String(id !== null));
    text.textContent = id ? t('favouriteOn') : t('favouriteOff');
  });
  return button;
}

/** The new id of the favourite, or null; unchanged when it did not work. */
async function toggle(movieId, id) {
  try {
    const answer = id ? await remove(`/api/favorites/${id}`) : await post('/api/favorites/', { movieId });
    toast(answer.message);
    return id ? null : answer.id;
  } catch (error) {
    toastTrouble(error);
    return id;
  }
}
