/**
 * When a movie is shown: one row for each day, one link for each time.
 *
 * Days are those of the visitor's own clock, as on a printed programme in his town.
 */
import { el } from '../dom.js';
import { CINEMA, clock, date, day, dayOf, money } from '../format.js';
import { t } from '../language.js';
import { empty } from '../parts/states.js';

export function showings(movie, screens) {
  const days = groupedByDay(screens);
  return el(
    'section.showings',
    { 'aria-label': t('showTimes') },
    el('h2', {}, t('showTimes')),
    days.length === 0 ? none(movie) : days.map(dayRow),
  );
}

function none(movie) {
  const later = movie.playingTime > Date.now();
  return empty({
    sign: 'clock',
    title: later ? t('notYet') : t('noShowings'),
    text: later ? t('from', { date: date(movie.playingTime, CINEMA) }) : t('noShowingsText'),
  });
}

function groupedByDay(screens) {
  const days = new Map();
  for (const screen of [...screens].sort((a, b) => a.time - b.time)) {
    const at = dayOf(screen.time, CINEMA);
    days.set(at, [...(days.get(at) ?? []), screen]);
  }
  return [...days.values()];
}

function dayRow(list) {
  return el(
    'div.day',
    {},
    el('h3', {}, day(list[0].time, CINEMA)),
    el(
      'ul.times',
      {},
      list.map((screen) => el('li', {}, time(screen))),
    ),
  );
}

function time(screen) {
  const ends = screen.time + screen.movie.duration * 60_000;
  return el(
    'a.time',
    { href: `#/screens/${screen.id}` },
    el('b', {}, clock(screen.time, CINEMA)),
    el('span.quiet', {}, t('until', { time: clock(ends, CINEMA) })),
    el(
      'span.time-more',
      {},
      t('hall', { number: screen.hallNum }),
      ' · ',
      screen.playingType,
      ' · ',
      money(screen.price),
    ),
  );
}
