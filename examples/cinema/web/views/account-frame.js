/**
 * What belongs to a user, side by side: links on the left (on a phone: above), the page on the right.
 *
 * A list of links and not a menu: on a phone all of them are seen without a tap.
 */
import { el } from '../dom.js';
import { t } from '../language.js';

const pages = [
  ['/orders', 'myTickets'],
  ['/favourites', 'favourites'],
  ['/coupons', 'coupons'],
  ['/history', 'history'],
  ['/profile', 'profile'],
  ['/devices', 'devices'],
];

export function accountFrame(...content) {
  const links = pages.map(([path, key]) =>
    el('li', {}, el('a', { href: `#${path}`, 'aria-current': location.hash === `#${path}` ? 'page' : null }, t(key))),
  );
  return el(
    'div.mine',
    {},
    el('nav.mine-nav', { 'aria-label': t('account') }, el('ul', {}, links)),
    el('div.mine-page', {}, content),
  );
}
