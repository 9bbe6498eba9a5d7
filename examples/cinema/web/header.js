/**
 * The head of every page: the name of the house, where one can go, the language, and who is here.
 *
 * It is small, so it is drawn anew whenever any of that changes, instead of being kept in step piece by piece.
 */
import { account, accountIsKnown, onAccount } from './account.js';
import { el, fill } from './dom.js';
import { icon } from './icons.js';
import { language, onLanguage, said, setLanguage, t } from './language.js';
import { avatar } from './parts/pictures.js';

const top = document.getElementById('top');

export function drawHeader() {
  onLanguage(draw);
  onAccount(draw);
  addEventListener('hashchange', draw);
}

function draw() {
  fill(top, el('div.top-in', {}, brand(), navigation(), el('div.top-side', {}, languageSwitch(), visitor())));
}

function brand() {
  return el('a.brand', { href: '#/' }, el('span.brand-sign', {}, icon('seat')), el('span.brand-name', {}, t('brand')));
}

function navigation() {
  const user = account();
  return el(
    'nav',
    { 'aria-label': t('navigation') },
    link('#/', t('nowShowing')),
    user && link('#/orders', t('myTickets')),
    user && link('#/favourites', t('favourites'), 'wide-only'),
  );
}

function link(href, text, more = '') {
  const current = (location.hash || '#/') === href;
  return el('a', { href, class: more, 'aria-current': current ? 'page' : null }, text);
}

/** One button that names the other language in its own words. */
function languageSwitch() {
  const other = language() === 'en' ? 'zh' : 'en';
  const name = other === 'zh' ? '中文' : 'English';
  return el(
    'button.plain.language',
    { type: 'button', id: 'language', lang: other === 'zh' ? 'zh-CN' : 'en', onclick: () => switchTo(other) },
    name,
  );
}

/** The header is drawn anew, so the focus must be put back on the button that was pressed. */
function switchTo(other) {
  setLanguage(other);
  document.getElementById('language').focus();
}

function visitor() {
  const user = account();
  if (!accountIsKnown()) return null;
  if (!user) return el('a.button.small', { href: '#/sign-in', id: 'sign-in' }, t('signIn'));
  const name = said(user.nickname);
  return el('a.visitor', { href: '#/profile', id: 'me', title: name }, avatar(user), el('span.visitor-name', {}, name));
}
