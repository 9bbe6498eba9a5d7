/**
 * Several transports in one: browsers with a cookie and API clients with a header, side by side.
 *
 * The idea: the first transport that presents anything speaks for the request, and the answer goes the same way. Which one that
 * was is not remembered but read again from the same request, so nothing is kept between the calls and requests cannot mix.
 *
 * Rejected: gathering the tokens of all transports, since a planted cookie could then make every bearer request ambiguous;
 * trying the next transport when a token turns out to be dead, since whoever can end a session would choose who speaks next.
 */
import type { RequestView, Transport } from '../contract.js';
import { show } from '../core/options.js';
import { failure } from '../errors.js';
import { NONE } from './cookie-header.js';

/**
 * Reads from the first transport that presents anything, were it an unusable token. New tokens and clearing go to that one,
 * or to the first of the list when none presented anything.
 * @example firstOf(bearer(), cookie())
 */
export function firstOf(first: Transport, ...others: readonly Transport[]): Transport {
  const all = [first, ...others];
  for (const transport of all) demandTransport(transport);
  const speaker = (request: RequestView): Transport => all.find((one) => one.read(request).length > 0) ?? first;

  return {
    name: 'first-of',
    // A sealed session may come back by another way than it went: it is good on all of them, and short enough for all.
    scope: all.map((one) => one.scope ?? one.name).join(' '),
    longest: Math.min(...all.map((one) => one.longest ?? Number.POSITIVE_INFINITY)),
    vary: [...new Set(all.map((one) => one.vary))].join(', '),
    read(request) {
      for (const transport of all) {
        const tokens = transport.read(request);
        if (tokens.length > 0) return tokens;
      }
      return NONE;
    },
    write: (token, lifetimeMs, request) => speaker(request).write(token, lifetimeMs, request),
    clear: (request) => speaker(request).clear(request),
    readVersion: (request) => speaker(request).readVersion?.(request),
    writeVersion: (version, lifetimeMs, request) => speaker(request).writeVersion?.(version, lifetimeMs, request) ?? [],
    describe: () => ({ transport: 'first-of', of: all.map((one) => one.describe()) }),
  };
}

function demandTransport(given: unknown): void {
  if (typeof (given as Transport | undefined)?.read === 'function') return;
  throw failure('SOJOURN_OPTION', {
    option: 'of firstOf',
    wanted: 'must be transports, like firstOf(bearer(), cookie())',
    got: show(given),
  });
}
