/**
 * RFC 1123 dates, as Werkzeug's `http_date` writes them and `parse_date` is given them: "Wed, 02 May 2018 03:51:29 GMT".
 *
 * JavaScript's `toUTCString` is the same text for years from 1000 to 9999. Only this one form is read: Python's parser takes a dozen
 * others, but Flask writes none of them.
 */
import { unreadable, unwritable } from './bounds.js';
import { DateTime } from './python.js';

export function httpDate(epochSeconds: number, path: string): string {
  const at = new Date(epochSeconds * 1000);
  const year = at.getUTCFullYear();
  if (!(year >= 1000 && year <= 9999)) throw unwritable(path, 'its year has no four digits');
  return at.toUTCString();
}

/** An aware datetime in UTC. SOJOURN_CORRUPT for any other text. */
export function readHttpDate(text: string): DateTime {
  const ms = /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms) || new Date(ms).toUTCString() !== text) throw unreadable('it has a date in another form');
  return DateTime.utc(ms / 1000);
}
