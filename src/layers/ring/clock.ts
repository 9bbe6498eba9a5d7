/**
 * A hybrid logical clock: it gives the time as far as that is enough, and otherwise one more than the latest it knows of.
 *
 * What a server writes after it has read something must count as later, however its clock stands: so whoever reads a stamp
 * shows it to the clock, and the next stamp is past it. A server whose clock is far ahead would drag all others with it; stamps
 * more than a minute ahead are refused, and the clock stays where it is. A session that holds such a stamp can be
 * written all the same: `after` gives one that is past it, for that session alone.
 *
 * No stamp is given twice, whatever was seen: of two secrets under one stamp the bytes would decide, and might keep the old one. The
 * clock does not remember what it gave beyond itself, so each of those stamps has a writer's name of its own.
 *
 * Rejected: refusing the write (one wrong clock would stop sessions on every server, for as long as it is ahead); going on from
 * the latest stamp ahead (one session with a damaged stamp would take all others along).
 */
import type { Environment } from '../../contract.js';
import { MAX_SKEW_MS } from '../../core/expiry.js';
import { counterOf, LAST_COUNTER, LAST_MS, msOf, type Stamp, stampOf } from './stamp.js';

export interface StampClock {
  /** Later than every stamp that it gave or accepted. */
  stamp(): Stamp;
  /** False when `seen` is too far ahead of this server's time: it is refused, and somebody should hear of it. */
  witness(seen: Stamp): boolean;
  /** Later than `seen` as well, even where that is refused, and never the same one twice. For what is written on top of it. */
  after(seen: Stamp): Stamp;
}

/** `writer`: 32 bits that no other process is likely to have. */
export function stampClock(now: Environment['now'], writer: number): StampClock {
  let ms = 0;
  let counter = 0;
  /** Names for stamps that are ahead. */
  let name = writer;
  return { stamp, witness, after };

  function stamp(): Stamp {
    const time = Math.min(Math.floor(now()), LAST_MS);
    if (time > ms) [ms, counter] = [time, 0];
    else [ms, counter] = next(ms, counter);
    return stampOf(ms, counter, writer);
  }

  function witness(seen: Stamp): boolean {
    const [seenMs, seenCounter] = [msOf(seen), counterOf(seen)];
    // Where this clock has been already, nobody drags it. The time itself may have stepped back since.
    if (seenMs < ms || (seenMs === ms && seenCounter <= counter)) return true;
    if (seenMs > now() + MAX_SKEW_MS) return false;
    [ms, counter] = [seenMs, seenCounter];
    return true;
  }

  function after(seen: Stamp): Stamp {
    if (witness(seen)) return stamp();
    name = (name + 1) >>> 0;
    // Its own name is for stamps of its own time, which may get there one day.
    if (name === writer) name = (name + 1) >>> 0;
    return stampOf(...next(msOf(seen), counterOf(seen)), name);
  }
}

/** A name for a writer: the process draws it when it starts. */
export function newWriter(random: Environment['random']): number {
  const [a, b, c, d] = random(4) as unknown as [number, number, number, number];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** The very last one stays: who writes with it is refused, for it is not later (apply.ts). */
function next(ms: number, counter: number): [ms: number, counter: number] {
  if (ms >= LAST_MS && counter === LAST_COUNTER) return [LAST_MS, LAST_COUNTER];
  return counter < LAST_COUNTER ? [ms, counter + 1] : [ms + 1, 0];
}
