/**
 * Movies that the user likes: those one can see now, and those still to come.
 *
 * Taking one off needs no question: the heart on the film's page puts it back.
 */
import { get, remove } from '../api.js';
import { el } from '../dom.js';
import { nameOf } from '../format.js';
import { t } from '../language.js';
import { whileBusy } from '../parts/form.js';
import { heading } from '../parts/heading.js';
import { movieGrid } from '../parts/movie-card.js';
import { empty } from '../parts/states.js';
import { redraw } from '../router.js';
import { toast, toastTrouble } from '../toast.js';
import { accountFrame } from './account-frame.js';

export async function favourites({ left }) {
  const list = await get('/api/favorites/', left);
  const ids = new Map(list.map((favourite) => [favourite.movie.id, favourite.id]));
  const movies = list.map((favourite) => favourite.movie);
  const groups = [
    [t('nowShowing'), movies.filter((movie) => movie.playingTime <= Date.now())],
    [t('comingSoon'), movies.filter((movie) => movie.playingTime > Date.now())],
  ].filter(([, some]) => some.length > 0);
  return accountFrame(
    heading(t('favourites')),
    groups.length === 0 ? nothing() : groups.map(([title, some]) => group(title, some, ids)),
  );
}

function nothing() {
  const action = el('a.button', { href: '#/' }, t('nowShowing'));
  return empty({ sign: 'heart', title: t('noFavourites'), text: t('noFavouritesText'), action });
}

function group(title, movies, ids) {
  return el(
    'section',
    {},
    el('h2.later', {}, title),
    movieGrid(movies, (movie) => removal(movie, ids.get(movie.id))),
  );
}

function removal(movie, id) {
  const button = el(
    'button.plain.small',
    { type: 'button', 'aria-label': t('removeFavourite', { name: nameOf(movie) }) },
    t('removeIt'),
  );
  button.addEventListener('click', () => whileBusy(button, () => take(id).catch(toastTrouble)));
  return button;
}

async function take(id) {
  toast((await remove(`/api/favorites/${id}`)).message);
  await redraw();
}
