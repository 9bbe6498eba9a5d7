/**
 * Short messages at the edge of the page: what has just happened.
 *
 * They leave by themselves or when pressed, and wait while they are pointed at. A text that is already there moves to the end instead of
 * standing there twice: the session may repeat, as a flash, what the answer has just said.
 */
import { Refused, Unreachable } from './api.js';
import { el } from './dom.js';
import { icon } from './icons.js';
import { said, t } from './language.js';

const SHOWN_MS = 5000;
const MOST = 3;
const shelf = document.getElementById('toasts');

/** @param {string} text in the server's words or ours  @param {'good' | 'bad' | 'gift'} kind */
export function toast(text, kind = 'good') {
  for (const shown of [...shelf.children]) if (shown.textContent === said(text)) shown.remove();
  const sign = { good: 'check', bad: 'close', gift: 'gift' }[kind];
  const card = el(
    'p.toast',
    { 'data-kind': kind, onclick: () => card.remove() },
    icon(sign),
    el('span', {}, said(text)),
  );
  while (shelf.childElementCount >= MOST) shelf.firstElementChild.remove();
  shelf.append(card);
  leaveLater(card);
}

/** What went wrong, for actions whose view stays as it is. Anything that is not the server's doing is a defect and is thrown on. */
export function toastTrouble(error) {
  if (error instanceof Refused) toast(error.message, 'bad');
  else if (error instanceof Unreachable) toast(t(error.words.action), 'bad');
  else throw error;
}

function leaveLater(card) {
  let timer = setTimeout(() => card.remove(), SHOWN_MS);
  card.addEventListener('pointerenter', () => clearTimeout(timer));
  card.addEventListener('pointerleave', () => {
    timer = setTimeout(() => card.remove(), SHOWN_MS);
  });
}
