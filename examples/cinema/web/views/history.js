/**
 * Movies that the user has bought tickets for, each once.
 *
 * What was looked at without a ticket stands at the front of the house, out of the session.
 */
import { get } from '../api.js';
import { el } from '../dom.js';
import { t } from '../language.js';
import { heading } from '../parts/heading.js';
import { movieGrid } from '../parts/movie-card.js';
import { empty } from '../parts/states.js';
import { accountFrame } from './account-frame.js';

export async function history({ left }) {
  const movies = await get('/api/users/history', left);
  const action = el('a.button', { href: '#/' }, t('nowShowing'));
  const none = () => empty({ sign: 'reel', title: t('noHistory'), text: t('noHistoryText'), action });
  return accountFrame(heading(t('history')), movies.length === 0 ? none() : movieGrid(movies));
}
