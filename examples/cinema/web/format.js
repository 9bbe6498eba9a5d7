/**
 * Dates, money, names and numbers as people write them, in the language of the page.
 *
 * Everything is computed when it is drawn, with Intl and nothing of our own: formatters are not kept, because the language
 * may change, and a page draws few of them.
 */
import { language, locale, said, t } from './language.js';

const DAY_MS = 86_400_000;

export function money(yuan) {
  return `¥${Number.isInteger(yuan) ? yuan : Number(yuan).toFixed(2)}`;
}

/** Where the cinema stands. A film begins at the cinema's hour, wherever its visitor happens to sit. */
export const CINEMA = 'Asia/Shanghai';

export function clock(at, timeZone) {
  return new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', hour12: false, timeZone }).format(at);
}

export function date(at, timeZone) {
  return new Intl.DateTimeFormat(locale(), { year: 'numeric', month: 'long', day: 'numeric', timeZone }).format(at);
}

export function moment(at, timeZone) {
  return t('moment', { day: day(at, timeZone), time: clock(at, timeZone) });
}

/** Today, tomorrow, or the weekday with its date. */
export function day(at, timeZone) {
  const days = Math.round((dayOf(at, timeZone) - dayOf(Date.now(), timeZone)) / DAY_MS);
  const named = new Intl.DateTimeFormat(locale(), { weekday: 'short', day: 'numeric', month: 'short', timeZone });
  return days === 0 ? t('today') : days === 1 ? t('tomorrow') : named.format(at);
}

/** A number for the calendar day of a moment, the same for all moments of that day. */
export function dayOf(at, timeZone) {
  return Date.parse(new Intl.DateTimeFormat('en-CA', { timeZone }).format(at));
}

/** '8:31'. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

export function bytes(count) {
  return count < 1024 ? `${count} B` : `${(count / 1024).toFixed(1)} kB`;
}

/** Seats are numbered row by row, twelve in a row. */
export function seatName(number) {
  return t('seatAt', { row: Math.floor((number - 1) / 12) + 1, column: ((number - 1) % 12) + 1 });
}

/** A film has two names, and a description in each language. The original API knows one; then that is shown. */
export function nameOf(movie) {
  return (language() === 'en' && movie.englishName) || movie.name;
}

export function descriptionOf(movie) {
  return (language() === 'en' && movie.englishDescription) || said(movie.description);
}

/** The kinds of a film come as one text: '剧情 / 悬疑'. Unknown ones stay as they are. */
export function kinds(text) {
  const parts = String(text ?? '')
    .split(/[,，、/|]/)
    .map((part) => part.trim())
    .filter(Boolean);
  return parts.map((part) => t(part)).join(' · ');
}
