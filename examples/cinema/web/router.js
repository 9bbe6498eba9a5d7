/**
 * Views by hash: `#/movies/4f…?day=2`.
 *
 * A visit is one stay on one view. It carries the path's parameters, the query, and a signal that fires when the visitor
 * leaves, which stops the view's requests and timers; a view that answers after that is dropped. Meanwhile a skeleton is
 * shown, and an error becomes a page of its own; one about an outage makes room by itself when the outage is over. A change of language draws the view again and puts back what was typed.
 */
import { account, accountIsKnown, refreshAccount, signedOutHere } from './account.js';
import { onWeather, Refused, Unreachable } from './api.js';
import { el, fill } from './dom.js';
import { onLanguage, said, t } from './language.js';
import { failed, notFound, skeleton } from './parts/states.js';

const SIGN_IN_FIRST = '请先登录';
const room = document.getElementById('room');
let routes = [];
let leave = new AbortController();
let visits = 0;
/** The present view shows nothing but that nobody answered. */
let isAway = false;
let isReturning = false;

/** @param {[path: string, view: (visit: Visit) => Node | Promise<Node>][]} table */
export function startRouter(table) {
  routes = table.map(([path, view]) => [new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[\\w-]+)')}$`), view]);
  addEventListener('hashchange', () => show({ arriving: true }));
  onLanguage(() => show({ arriving: false }));
  onWeather((trouble) => trouble === null && (isAway || !accountIsKnown()) && !isReturning && comeBack());
}

export function go(path) {
  if (location.hash === `#${path}`) show({ arriving: true });
  else location.hash = path;
}

/** Draws the present view again, from fresh data. */
export function redraw() {
  return show({ arriving: false });
}

/** Where to return to after signing in. */
export function here() {
  return location.hash.slice(1) || '/';
}

/** Goes to the sign-in view, and comes back afterwards. */
export function askToSignIn() {
  location.replace(`#/sign-in?back=${encodeURIComponent(here())}`);
}

/** @typedef {{ params: Record<string, string>, query: URLSearchParams, left: AbortSignal }} Visit */

async function show({ arriving }) {
  isAway = false;
  const { view, visit } = begin();
  const number = ++visits;
  const typed = arriving ? [] : typedTexts();
  if (arriving) scrollTo(0, 0);
  if (arriving || room.childElementCount === 0) fill(room, skeleton());
  room.setAttribute('aria-busy', 'true');
  const page = await drawn(view, visit);
  if (number !== visits || page === null) return;
  fill(room, page);
  room.removeAttribute('aria-busy');
  putBack(typed);
  settle(arriving);
}

function begin() {
  leave.abort();
  leave = new AbortController();
  const [path, query] = here().split('?');
  for (const [pattern, view] of routes) {
    const match = pattern.exec(path);
    if (match) return { view, visit: visitOf(match.groups ?? {}, query) };
  }
  return { view: () => notFound(), visit: visitOf({}, query) };
}

function visitOf(params, query) {
  return { params, query: new URLSearchParams(query), left: leave.signal };
}

async function drawn(view, visit) {
  try {
    return await view(visit);
  } catch (error) {
    if (visit.left.aborted) return null;
    if (error instanceof Refused && error.message === SIGN_IN_FIRST) return turnedAway();
    if (error instanceof Refused) return failed(said(error.message), t('failedText'), redraw);
    if (!(error instanceof Unreachable)) throw error;
    isAway = true;
    return failed(t(error.words.view), t('awayText'), comeBack);
  }
}

/** After an outage: first who is here, which many views look at. */
async function comeBack() {
  isReturning = true;
  if (!accountIsKnown()) await refreshAccount();
  isReturning = false;
  redraw();
}

function turnedAway() {
  if (account()) signedOutHere();
  askToSignIn();
  return null;
}

function settle(arriving) {
  const title = room.querySelector('h1');
  document.title = title ? `${title.textContent} · ${t('brand')}` : t('brand');
  if (!arriving) return;
  room.focus({ preventScroll: true });
}

function typedTexts() {
  const fields = room.querySelectorAll('input[name]:not([type=file]), textarea[name]');
  return [...fields].map((field) => [formOf(field), field.name, field.type, field.value, field.checked]);
}

/** By attribute: `form.id` is the input of that name, where there is one. */
function formOf(field) {
  return field.form?.getAttribute('id');
}

function putBack(typed) {
  const fields = [...room.querySelectorAll('input[name], textarea[name]')];
  for (const [form, name, type, value, checked] of typed) {
    const chosen = type === 'radio' || type === 'checkbox';
    const same = fields.find((f) => formOf(f) === form && f.name === name && (!chosen || f.value === value));
    if (same && chosen) same.checked = checked;
    else if (same && value !== '') same.value = value;
  }
}

addEventListener('pageshow', (event) => event.persisted && refreshAccount());
const skipLink = document.getElementById('skip');
skipLink.addEventListener('click', (event) => {
  event.preventDefault();
  room.focus();
});
onLanguage(() => fill(skipLink, el('span', {}, t('skip'))));
