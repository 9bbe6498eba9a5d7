/**
 * One order: a ticket once it is paid; before, ten minutes to pay it.
 *
 * The minutes are counted from the order's own creation, by the server's clock. What the server says when they are over
 * decides; the countdown only draws it.
 */
import { get, remove, serverNow } from '../api.js';
import { el, fill } from '../dom.js';
import { CINEMA, clock, countdown, date, day, money, nameOf, seatName } from '../format.js';
import { icon } from '../icons.js';
import { t } from '../language.js';
import { whileBusy } from '../parts/form.js';
import { backLink, heading } from '../parts/heading.js';
import { empty } from '../parts/states.js';
import { go, redraw } from '../router.js';
import { toast, toastTrouble } from '../toast.js';
import { payment } from './payment.js';

const TIME_TO_PAY_MS = 10 * 60_000;

export async function order({ params, left }) {
  const [plain, movies] = await Promise.all([
    get(`/api/orders/${encodeURIComponent(params.id)}`, left),
    get('/api/movies/', left),
  ]);
  const one = named(plain, movies);
  if (one.status) return paid(one);
  if (timeLeft(one) <= 0) return tooLate(one);
  return el(
    'div',
    {},
    heading(t('checkout'), { side: timer(one, left) }),
    el('div.checkout', {}, ticket(one), el('div', {}, await payment(one, left), cancel(one))),
  );
}

/** The order with the film's name in the visitor's language: orders carry the Chinese one only. */
export function named(one, movies) {
  const movie = movies.find((candidate) => candidate.id === one.movieId);
  return movie ? { ...one, name: nameOf(movie) } : one;
}

/** Milliseconds until an unpaid order disappears, by the server's clock. */
export function timeLeft(one) {
  return one.createTime + TIME_TO_PAY_MS - serverNow();
}

/** Shows the minutes and seconds that remain, and draws the view again when they are over. */
export function timer(one, left) {
  const text = el('b', {}, countdown(timeLeft(one)));
  const bar = el('span.timer-bar');
  const node = el('p.timer', { role: 'timer', title: t('timeToPay') }, icon('clock'), text, bar);
  const tick = () => {
    const rest = timeLeft(one);
    fill(text, countdown(rest));
    bar.style.setProperty('--part', String(Math.max(0, rest / TIME_TO_PAY_MS)));
    node.classList.toggle('late', rest < 120_000);
    if (rest <= 0) redraw();
  };
  const ticking = setInterval(tick, 1000);
  left.addEventListener('abort', () => clearInterval(ticking));
  tick();
  return node;
}

function ticket(one) {
  return el(
    'section.ticket',
    { 'data-paid': String(one.status), 'aria-label': t('ticketFor', { name: one.name }) },
    el('div.ticket-main', {}, el('p.eyebrow', {}, t('brand')), el('h2', {}, one.name), ticketFacts(one)),
    el(
      'div.ticket-stub',
      {},
      el('span.quiet', {}, t(one.status ? 'paidPrice' : 'price')),
      el('b', {}, money(one.status ? one.payPrice : one.totalPrice)),
    ),
  );
}

function ticketFacts(one) {
  const fact = (name, value) => el('div', {}, el('dt', {}, name), el('dd', {}, value));
  return el(
    'dl.ticket-facts',
    {},
    fact(t('day'), day(one.screenTime, CINEMA)),
    fact(t('time'), clock(one.screenTime, CINEMA)),
    fact(
      t('seats'),
      el(
        'ul.chips',
        {},
        one.seat.map((seat) => el('li.chip', {}, seatName(seat))),
      ),
    ),
  );
}

function paid(one) {
  return el(
    'div.paid',
    {},
    backLink('#/orders', t('myTickets')),
    heading(t('enjoy'), {
      text: t('enjoyText', { date: date(one.screenTime, CINEMA), time: clock(one.screenTime, CINEMA) }),
    }),
    ticket(one),
  );
}

function tooLate(one) {
  const action = el('a.button', { href: `#/screens/${one.screenId}` }, t('chooseAgain'));
  return el(
    'div',
    {},
    el('h1.unseen', {}, t('tooLate')),
    empty({ sign: 'clock', title: t('tooLate'), text: t('tooLateText'), action }),
  );
}

function cancel(one) {
  const button = el('button.plain.danger', { type: 'button' }, t('cancelOrder'));
  button.addEventListener('click', () =>
    whileBusy(button, async () => {
      try {
        toast((await remove(`/api/orders/${one.id}`)).message);
        go(`/screens/${one.screenId}`);
      } catch (error) {
        toastTrouble(error);
      }
    }),
  );
  return button;
}
