/**
 * RFC 1123 dates, as Werkzeug's `http_date` writes them and `parse_date` is given them: "Wed, 02 May 2018 03:51:29 GMT".
 *
 * JavaScript's `toUTCString` is the same text. Only this one form is read: Python's parser takes a dozen others, but Flask writes none of
 * them. Years below 100 are the exception: Flask writes `datetime.min` as 0001 and reads it as 2001, and a visitor is not
 * signed out for it, so they are read as Flask reads them. Writing one is refused: it would come back as another.
 */
import { unreadable, unwritable } from './bounds.js';
import { DateTime } from './python.js';

export function httpDate(epochSeconds: number, path: string): string {
  const at = new Date(epochSeconds * 1000);
  const year = at.getUTCFullYear();
  if (!(year >= 100 && year <= 9999)) throw unwritable(path, "Flask's cookie has years from 100 to 9999 only");
  return at.toUTCString();
}

/** An aware datetime in UTC. SOJOURN_CORRUPT for any other text. */
export function readHttpDate(text: string): DateTime {
  const [, day, month, year, time] = /^\w{3}, (\d{2}) (\w{3}) (\d{4}) (\d{2}:\d{2}:\d{2}) GMT$/.exec(text) ?? [];
  const at = `${day} ${month} ${yearOf(Number(year))} ${time} GMT`;
  const ms = Date.parse(at);
  if (Number.isNaN(ms) || !new Date(ms).toUTCString().endsWith(at)) throw unreadable('it has a date in another form');
  return DateTime.utc(ms / 1000);
}

/** Two digits are of the last century or of this one, says RFC 850, and Python. */
function yearOf(year: number): string {
  return String(year < 69 ? year + 2000 : year < 100 ? year + 1900 : year).padStart(4, '0');
}
