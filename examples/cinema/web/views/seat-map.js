/**
 * The seats of a hall as a picture that is also a control: twelve seats in a row, the screen above.
 *
 * Each seat is a toggle button with its place as name. 120 tab stops would be a trap, so only one seat can be reached by
 * Tab, and the arrow keys move from there (the roving tabindex of the ARIA practices).
 */
import { el } from '../dom.js';
import { seatName } from '../format.js';
import { t } from '../language.js';

const COLUMNS = 12;
const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS };

/** @param {{ seats: number, onToggle: (seat: number) => void }} what */
export function seatMap({ seats, onToggle }) {
  const buttons = Array.from({ length: seats }, (_, i) => seatButton(i + 1));
  const grid = el('div.seats', { role: 'group', 'aria-label': t('seatMap') }, rowsOf(buttons));
  grid.addEventListener('click', (event) => {
    const button = event.target.closest('button.seat');
    if (button && button.dataset.state !== 'taken') onToggle(Number(button.dataset.seat));
  });
  grid.addEventListener('keydown', (event) => move(event, buttons));
  grid.addEventListener('focusin', (event) => makeReachable(buttons, event.target));
  const node = el('div', {}, el('div.screen', { 'aria-hidden': 'true' }, el('span', {}, t('screen'))), grid);
  return { node, show: (taken, chosen) => show(buttons, taken, chosen) };
}

function seatButton(seat) {
  const column = ((seat - 1) % COLUMNS) + 1;
  const curve = ((column - (COLUMNS + 1) / 2) ** 2 / 30).toFixed(2);
  return el('button.seat', { type: 'button', tabindex: '-1', 'data-seat': seat, vars: { '--curve': curve } });
}

function rowsOf(buttons) {
  const rows = [];
  for (let at = 0; at < buttons.length; at += COLUMNS) rows.push(buttons.slice(at, at + COLUMNS));
  return rows.map((row, i) => el('div.row', {}, el('span.row-name', { 'aria-hidden': 'true' }, i + 1), row));
}

function show(buttons, taken, chosen) {
  buttons.forEach((button, i) => {
    const seat = i + 1;
    const state = taken.has(seat) ? 'taken' : chosen.includes(seat) ? 'chosen' : 'free';
    button.dataset.state = state;
    button.setAttribute('aria-pressed', String(state === 'chosen'));
    button.setAttribute('aria-disabled', String(state === 'taken'));
    button.setAttribute('aria-label', `${seatName(seat)}, ${t(`seat-${state}`)}`);
    button.title = seatName(seat);
  });
  if (!buttons.some((button) => button.tabIndex === 0)) makeReachable(buttons, middle(buttons));
}

/** The first Tab lands where people like to sit: a free seat near the middle, if there is one. */
function middle(buttons) {
  const from = Math.floor(buttons.length / 2) + COLUMNS / 2;
  const byDistance = [...buttons].sort((a, b) => Math.abs(a.dataset.seat - from) - Math.abs(b.dataset.seat - from));
  return byDistance.find((button) => button.dataset.state === 'free') ?? buttons[0];
}

function move(event, buttons) {
  const step = steps[event.key];
  const at = buttons.indexOf(event.target);
  if (!step || at < 0) return;
  event.preventDefault();
  buttons[at + step]?.focus();
}

function makeReachable(buttons, one) {
  if (!buttons.includes(one)) return;
  for (const button of buttons) button.tabIndex = button === one ? 0 : -1;
}
