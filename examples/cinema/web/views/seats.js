/**
 * The hall: one chooses up to four seats of a showing and orders them.
 *
 * The choice lives in the session, on the server: it survives a reload, a login, another tab and the death of a server.
 * This view shows what the session says, sends every change at once, and asks again when the tab is looked at.
 */
import { account } from '../account.js';
import { get, post, Refused } from '../api.js';
import { el, fill } from '../dom.js';
import { CINEMA, clock, day, money, nameOf, seatName } from '../format.js';
import { icon } from '../icons.js';
import { t } from '../language.js';
import { whileBusy } from '../parts/form.js';
import { backLink } from '../parts/heading.js';
import { askToSignIn, go } from '../router.js';
import { toast, toastTrouble } from '../toast.js';
import { seatChoice } from './seat-choice.js';
import { seatMap } from './seat-map.js';

const MOST = 4;
const LOOK_AGAIN_MS = 15_000;
const UNPAID = '您还有未支付的订单';

export async function seats({ params, left }) {
  const id = encodeURIComponent(params.id);
  const screen = await get(`/api/screens/${id}`, left);
  const choice = seatChoice(screen.id, left);
  const [taken, chosen] = await Promise.all([get(`/api/screens/${id}/seats`, left), choice.load()]);
  const hall = { screen, choice, left, taken: new Set(taken), chosen: chosen.filter((seat) => !taken.includes(seat)) };
  return draw(hall);
}

function draw(hall) {
  const summary = el('aside.choice', { 'aria-label': t('yourSeats') });
  const map = seatMap({ seats: hall.screen.ticketNum, onToggle: (seat) => toggle(seat) });
  const show = () => {
    map.show(hall.taken, hall.chosen);
    fill(summary, summaryOf(hall));
  };
  const toggle = async (seat) => {
    if (!change(hall, seat)) return;
    show();
    await keep(hall, show);
  };
  watch(hall, show);
  show();
  return el('div.hall', {}, head(hall.screen), el('div.hall-main', {}, el('div.stalls', {}, map.node), summary));
}

function head(screen) {
  const facts = [
    day(screen.time, CINEMA),
    clock(screen.time, CINEMA),
    t('hall', { number: screen.hallNum }),
    screen.playingType,
  ];
  const title = [
    backLink(`#/movies/${screen.movie.id}`, nameOf(screen.movie)),
    el('h1', {}, t('chooseSeats')),
    el(
      'p.facts',
      {},
      facts.map((fact) => el('span', {}, fact)),
    ),
  ];
  return el('header.hall-head', {}, el('div', {}, title), legend());
}

/** True when the choice changed; a fifth seat is refused here already. */
function change(hall, seat) {
  if (hall.chosen.includes(seat)) hall.chosen = hall.chosen.filter((other) => other !== seat);
  else if (hall.chosen.length >= MOST) toast(t('atMost', { count: MOST }), 'bad');
  else if (!hall.taken.has(seat)) hall.chosen = [...hall.chosen, seat].sort((a, b) => a - b);
  else return false;
  return true;
}

async function keep(hall, show) {
  try {
    await hall.choice.keep(hall.chosen);
  } catch (error) {
    if (hall.left.aborted) return;
    toastTrouble(error);
    if (error instanceof Refused) await lookAgain(hall, show);
  }
}

/** Another tab may have chosen, another visitor bought: asked for when this tab comes into view, and now and then. */
function watch(hall, show) {
  const look = () => document.visibilityState === 'visible' && lookAgain(hall, show);
  const timer = setInterval(look, LOOK_AGAIN_MS);
  document.addEventListener('visibilitychange', look, { signal: hall.left });
  hall.left.addEventListener('abort', () => clearInterval(timer));
}

async function lookAgain(hall, show) {
  if (hall.choice.isBusy()) return;
  try {
    const [taken, chosen] = await Promise.all([
      get(`/api/screens/${hall.screen.id}/seats`, hall.left),
      hall.choice.load(),
    ]);
    if (hall.choice.isBusy()) return;
    hall.taken = new Set(taken);
    hall.chosen = chosen.filter((seat) => !hall.taken.has(seat));
    show();
  } catch {
    // Seen again at the next look; the line under the header already tells.
  }
}

function summaryOf(hall) {
  const { chosen, screen } = hall;
  if (chosen.length === 0) return el('p.quiet.choice-none', {}, icon('seat'), t('noSeats', { count: MOST }));
  const button = el('button.button.wide', { type: 'button', id: 'order' }, account() ? t('order') : t('signInToOrder'));
  button.addEventListener('click', () => whileBusy(button, () => place(hall)));
  return [
    el(
      'ul.chips',
      {},
      chosen.map((seat) => el('li.chip', {}, seatName(seat))),
    ),
    el(
      'p.sum',
      {},
      el('span', {}, t('seatCount', { count: chosen.length })),
      el('b', { id: 'sum' }, money(chosen.length * screen.price)),
    ),
    button,
  ];
}

async function place(hall) {
  if (!account()) return askToSignIn();
  // The order takes the choice out of the session; a choice that is still on its way must not put it back.
  await hall.choice.settled();
  try {
    const answer = await post('/api/orders/', { screenId: hall.screen.id, seat: hall.chosen.join(',') });
    toast(answer.message);
    go(`/orders/${answer.id}`);
  } catch (error) {
    toastTrouble(error);
    if (error instanceof Refused && error.message === UNPAID) go('/orders');
  }
}

function legend() {
  const kind = (name) =>
    el('li', {}, el('span.seat', { 'data-state': name, 'aria-hidden': 'true' }), t(`seat-${name}`));
  return el('ul.legend', {}, ['free', 'chosen', 'taken'].map(kind));
}
