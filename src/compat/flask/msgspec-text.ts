/**
 * What msgspec makes of values that its formats have no type for: text, in forms of ISO 8601. Flask-Session then reads them back as text,
 * so a date that goes through Redis once is a date no more. The JSON form has its own words for a few things more.
 *
 * One file for both formats, so that a value is the same text in either.
 */
import { unwritable } from './bounds.js';
import { CalendarDate, DateTime, Decimal, type Python, TimeDelta, Uuid } from './python.js';

/** The text for a value that both formats write as text; undefined for any other value. */
export function msgspecText(value: Python): string | undefined {
  if (value instanceof Decimal) return value.text;
  if (value instanceof Uuid || value instanceof CalendarDate) return String(value);
  if (value instanceof TimeDelta) return duration(value);
  return value instanceof DateTime && value.offset === null ? String(value) : undefined;
}

/** An aware datetime in JSON: RFC 3339, `Z` for UTC. */
export function awareText(value: DateTime): string {
  return String(value).replace('+00:00', 'Z');
}

/** msgspec writes no half characters: neither format could hold them. */
export function demandWellFormed(text: string, path: string): string {
  if (!text.isWellFormed()) throw unwritable(path, 'it holds half of a surrogate pair, which msgspec refuses');
  return text;
}

/** `PT5S`, `P1DT0.5S`, `-PT5S` */
function duration({ days, seconds, microseconds }: TimeDelta): string {
  const total = BigInt(days) * 86_400_000_000n + BigInt(seconds) * 1_000_000n + BigInt(microseconds);
  const away = total < 0n ? -total : total;
  const [wholeDays, rest] = [away / 86_400_000_000n, away % 86_400_000_000n];
  const [wholeSeconds, micro] = [rest / 1_000_000n, rest % 1_000_000n];
  const fraction = micro === 0n ? '' : `.${String(micro).padStart(6, '0').replace(/0+$/, '')}`;
  const day = wholeDays === 0n && rest !== 0n ? '' : `${wholeDays}D`;
  const time = rest === 0n ? '' : `T${wholeSeconds}${fraction}S`;
  return `${total < 0n ? '-' : ''}P${day}${time}`;
}
