/**
 * All orders of the user: what waits to be paid first, then tickets to come, then the past.
 *
 * An unpaid order whose ten minutes are over is not shown, even if the server has not swept it yet.
 */
import { get } from '../api.js';
import { el } from '../dom.js';
import { CINEMA, moment, money } from '../format.js';
import { icon } from '../icons.js';
import { t } from '../language.js';
import { heading } from '../parts/heading.js';
import { empty } from '../parts/states.js';
import { accountFrame } from './account-frame.js';
import { named, timeLeft, timer } from './order.js';

export async function orders({ left }) {
  const [list, movies] = await Promise.all([get('/api/orders/', left), get('/api/movies/', left)]);
  const all = list.filter((one) => one.status || timeLeft(one) > 0).map((one) => named(one, movies));
  const groups = [
    [t('toBePaid'), all.filter((one) => !one.status)],
    [t('upcoming'), all.filter((one) => one.status && !isOver(one)).sort((a, b) => a.screenTime - b.screenTime)],
    [t('past'), all.filter((one) => one.status && isOver(one)).sort((a, b) => b.screenTime - a.screenTime)],
  ];
  const shown = groups.filter(([, list]) => list.length > 0);
  return accountFrame(
    heading(t('myTickets')),
    shown.length === 0 ? nothing() : shown.map(([title, list]) => section(title, list, left)),
  );
}

function nothing() {
  const action = el('a.button', { href: '#/' }, t('nowShowing'));
  return empty({ sign: 'ticket', title: t('noOrders'), text: t('noOrdersText'), action });
}

function isOver(one) {
  return one.screenTime + one.duration * 60_000 < Date.now();
}

function section(title, list, left) {
  return el(
    'section',
    {},
    el('h2.later', {}, title),
    el(
      'ul.lines',
      {},
      list.map((one) => el('li', {}, line(one, left))),
    ),
  );
}

function line(one, left) {
  return el(
    'a.line',
    { href: `#/orders/${one.id}`, 'data-order': one.status ? 'paid' : 'unpaid' },
    icon('ticket'),
    el(
      'span.line-text',
      {},
      el('b', {}, one.name),
      el('span.quiet', {}, moment(one.screenTime, CINEMA), ' · ', t('seatCount', { count: one.seat.length })),
    ),
    one.status ? el('span.line-side', {}, money(one.payPrice)) : timer(one, left),
  );
}
