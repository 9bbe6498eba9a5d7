/**
 * The line at the foot of every page: which server answered, and what the session holds.
 *
 * It is the point of the example made visible. Each server that was ever seen has a light; the one that answered last is
 * lit, and the thread beside it runs from server to server, one knot for each answer. The details come from
 * session.js, asked for after anything that may have changed the session. "Follow" asks once a second for a
 * minute, so that one can watch the requests hop, or kill a server and see that nobody is signed out.
 */
import { onAnswer } from './api.js';
import { el, fill } from './dom.js';
import { answered, servers, thread } from './foot-thread.js';
import { bytes, clock, moment } from './format.js';
import { icon } from './icons.js';
import { onLanguage, t } from './language.js';
import { askForSession, askForSessionSoon, onSession } from './session.js';

const FOLLOW_MS = 1000;
const FOLLOW_TIMES = 60;

const foot = document.getElementById('foot');
const parts = {
  lights: el('ul.lights'),
  who: el('span.foot-who'),
  thread: el('span.foot-thread'),
  held: el('span.foot-held'),
  fields: el('div.foot-fields'),
};
let last = null;
let session = null;
let following = null;
let isOpen = false;

export function drawFoot() {
  onLanguage(draw);
  onAnswer((answer) => {
    last = answer;
    answered(answer.servedBy);
    showAnswer();
    if (answer.method !== 'GET') askForSessionSoon();
  });
  onSession((now) => {
    session = now;
    showSession();
  });
  addEventListener('hashchange', askForSessionSoon);
  askForSessionSoon();
}

function draw() {
  const details = el(
    'div.foot-details',
    { id: 'foot-details', hidden: !isOpen },
    parts.fields,
    el('p.quiet.foot-why', {}, t('footWhy')),
  );
  fill(
    foot,
    el('div.foot-bar', {}, parts.lights, parts.who, parts.thread, parts.held, followButton(), openButton(details)),
    details,
  );
  showAnswer();
  showSession();
}

function openButton(details) {
  const label = el('span.unseen', {}, t('sessionDetails'));
  const button = el(
    'button.plain.foot-open',
    { type: 'button', 'aria-expanded': String(isOpen), 'aria-controls': details.id },
    icon('chevron'),
    label,
  );
  button.addEventListener('click', () => {
    isOpen = !isOpen;
    details.hidden = !isOpen;
    button.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) askForSessionSoon();
  });
  return button;
}

function followButton() {
  const button = el(
    'button.plain.follow',
    { type: 'button', id: 'follow', 'aria-pressed': String(following !== null), title: t('followTitle') },
    t('follow'),
  );
  button.addEventListener('click', () => (following ? stopFollowing() : startFollowing()));
  return button;
}

function startFollowing() {
  let rest = FOLLOW_TIMES;
  following = setInterval(() => (rest-- > 0 ? ask() : stopFollowing()), FOLLOW_MS);
  document.getElementById('follow').setAttribute('aria-pressed', 'true');
  ask();
}

function stopFollowing() {
  clearInterval(following);
  following = null;
  document.getElementById('follow').setAttribute('aria-pressed', 'false');
}

async function ask() {
  await askForSession().catch(() => undefined);
}

function showAnswer() {
  if (!last) return;
  for (const server of servers()) showLight(server);
  fill(parts.who, el('b', {}, last.servedBy), el('span.quiet', {}, t('answeredIn', { ms: last.ms })));
  fill(parts.thread, thread());
}

/** Lights stay the same elements, so that the one that goes out can fade while the next one is lit. */
function showLight({ name, place, answers, isQuiet }) {
  const light = parts.lights.querySelector(`[data-server="${CSS.escape(name)}"]`) ?? newLight(name, place);
  light.dataset.lit = String(name === last.servedBy);
  light.dataset.quiet = String(isQuiet);
  light.title = `${name}: ${t('answers', { count: answers })}`;
  fill(light, el('span.unseen', {}, light.title));
}

function newLight(name, place) {
  const light = el('li', { 'data-server': name });
  parts.lights.insertBefore(light, parts.lights.children[place] ?? null);
  return light;
}

function showSession() {
  if (!session) return;
  const size = session.fields.reduce((sum, field) => sum + field.bytes, 0);
  fill(
    parts.held,
    !session.id ? t('noSession') : [el('code', { title: session.id }, short(session.id)), summary(size)],
  );
  fill(parts.fields, !session.id ? el('p', {}, t('sessionEmpty')) : table());
}

function summary(size) {
  const count = t('fieldCount', { count: session.fields.length });
  return el(
    'span',
    {},
    el('span', { id: 'lives-in' }, ` ${t(`in-${session.livesIn}`)}`),
    ` · ${count} · ${bytes(size)}`,
    session.expires && el('span.wide-only', {}, ` · ${t('until', { time: shortMoment(session.expires) })}`),
  );
}

function table() {
  const row = (name, value) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, value));
  const facts = [
    row(t('sessionId'), el('code', {}, short(session.id))),
    row(t('sessionUser'), session.user ?? t('nobody')),
    session.version && row(t('sessionVersion'), session.version),
    session.expires && row(t('expires'), moment(session.expires)),
    row(t('lives'), t(`lives-${session.livesIn}`)),
  ];
  const fields = session.fields.map((field) => row(el('code', {}, field.name), bytes(field.bytes)));
  return el('div.foot-tables', {}, el('table', {}, el('tbody', {}, facts)), el('table', {}, el('tbody', {}, fields)));
}

function short(id) {
  return `${id.slice(0, 8)}…`;
}

function shortMoment(at) {
  return at - Date.now() < 86_400_000 ? clock(at) : moment(at);
}
