/**
 * The header lines that an answer gets: the token when there is a new one, its end, the version of what was just written, and
 * what caches have to know.
 *
 * Whoever looked at a session varies by its carrier; whoever is given a cookie is kept by no cache, and so is the page of an
 * outage, which must not be shown when that is over. Most answers have nothing to tell, and share one frozen array.
 */
import type { Caching, HeaderLine, Transport } from '../contract.js';
import type { Arrival, Standing } from './session.js';

export const NO_LINES: readonly HeaderLine[] = Object.freeze([]);
const NO_STORE: HeaderLine = Object.freeze(['Cache-Control', 'no-store'] as const);

export interface AnswerLines {
  /** For the end of a request. `status`: a 304 carries no cookie that can wait. */
  of(standing: Standing, status: number): readonly HeaderLine[];
  /** For an answer that fails and takes the cookie back all the same. */
  cleared(arrival: Arrival): readonly HeaderLine[];
}

/** `caching`: the store, if it keeps copies, since only those can be older than what was just written. */
export function answerLines(transport: Transport, caching: Caching | undefined): AnswerLines {
  const vary: HeaderLine = ['Vary', transport.vary];
  const onlyVary: readonly HeaderLine[] = Object.freeze([vary]);
  const notKept: readonly HeaderLine[] = Object.freeze([vary, NO_STORE]);
  return { of, cleared };

  function of(standing: Standing, status: number): readonly HeaderLine[] {
    if (standing.announcement.kind === 'none' && standing.version === undefined)
      return standing.arrival.degraded ? notKept : onlyVary;
    const told = [...tokenLines(standing, status), ...versionLines(standing)];
    return told.length === 0 ? onlyVary : [...told, ...notKept];
  }

  function cleared({ presented, request }: Arrival): readonly HeaderLine[] {
    return presented ? [...transport.clear(request), ...notKept] : notKept;
  }

  function tokenLines({ announcement, arrival }: Standing, status: number): readonly HeaderLine[] {
    if (announcement.kind === 'clear') return arrival.presented ? transport.clear(arrival.request) : NO_LINES;
    if (announcement.kind === 'none' || (status === 304 && !announcement.must)) return NO_LINES;
    return transport.write(announcement.token, announcement.lifetimeMs, arrival.request);
  }

  /** Read your own writes: the next server may have a copy that is older than what this answer acknowledges. */
  function versionLines({ version, arrival }: Standing): readonly HeaderLine[] {
    if (version === undefined || caching === undefined) return NO_LINES;
    return transport.writeVersion?.(version, caching.stalenessMs, arrival.request) ?? NO_LINES;
  }
}
