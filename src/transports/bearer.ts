/**
 * The token in the Authorization header: for API clients and native apps, which keep tokens themselves.
 *
 * RFC 6750 says how a client presents a token, not how it gets one. So a new token travels in a header of the answer,
 * `X-Session-Token`, and the same header with an empty value says: forget the token, the session has ended. Not every client
 * sees the difference between an empty header and none, and none has to: a token that ended opens nothing.
 * Nothing tells how long the token lives; a client learns it when it is refused, which it must be ready for in any case.
 *
 * Over a near cache an answer that has changed the session carries `X-Session-Version`. A client that sends it back with its
 * next requests reads its own writes on every server; one that does not, only after the near cache's staleness bound.
 *
 * Rejected: `Authentication-Info` (RFC 9110 11.6.3 ties it to a scheme that defines it, and Bearer does not); the token in
 * the body (the application's), in the query or in any URL (logs, referrers, histories).
 */
import type { Transport } from '../contract.js';
import { checked, show } from '../core/options.js';
import { failure } from '../errors.js';
import { NONE } from './cookie-header.js';
import { versionOf } from './version.js';

export interface BearerOptions {
  /** The request header that carries the token. Default `Authorization`. */
  readonly header?: string;
  /** The word before the token, in any letter case. Default `Bearer`; `''` when the header holds the token alone. */
  readonly scheme?: string;
  /** The answer's header that carries a new token, or nothing once the session has ended. Default `X-Session-Token`. */
  readonly answer?: string;
}

/**
 * Carries the token in request and answer headers. Throws SOJOURN_OPTION for names that cannot be header names.
 * A browser shows the answer's headers to scripts of other origins only if the application lists them in
 * `Access-Control-Expose-Headers`. Nothing here asks for https: the client sends the token wherever it is told to.
 */
export function bearer(options?: BearerOptions): Transport {
  const own = checked('bearer', options, ['header', 'scheme', 'answer']);
  const { header = 'Authorization', scheme = 'Bearer', answer = 'X-Session-Token' } = own;
  demandWord('header', header);
  demandWord('answer', answer);
  if (scheme !== '') demandWord('scheme', scheme);
  const asked = header.toLowerCase();
  const prefix = scheme === '' ? '' : `${scheme.toLowerCase()} `;
  const forget = Object.freeze([Object.freeze([answer, ''] as const)]);

  return {
    name: 'bearer',
    longest: MAX_TOKEN,
    vary: `${header}, ${VERSION_HEADER}`,
    read: (request) => presented(request.header(asked), prefix),
    write: (token) => [[answer, headerValue(token)]],
    clear: () => forget,
    readVersion(request) {
      const value = request.header(VERSION_ASKED);
      return value === undefined ? undefined : versionOf([value]);
    },
    writeVersion: (version) => [[VERSION_HEADER, String(version)]],
    describe: () => ({ transport: 'bearer', header, scheme, answer }),
  };
}

/** Node takes 16 KiB of header lines in all, and many proxies take 8 KiB for one. */
const MAX_TOKEN = 8000;

const VERSION_HEADER = 'X-Session-Version';
const VERSION_ASKED = VERSION_HEADER.toLowerCase();

/** The one word after the prefix. Another scheme, or more words than one, is somebody else's header: no token at all. */
function presented(value: string | undefined, prefix: string): readonly string[] {
  if (value === undefined || value.slice(0, prefix.length).toLowerCase() !== prefix) return NONE;
  const token = value.slice(prefix.length);
  return token === '' || SPACE.test(token) ? NONE : [token];
}

const SPACE = /[ \t]/;
/** RFC 9110 5.6.2, token: header names and schemes alike. */
const WORD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/;
/** Visible ASCII: one word that comes through every proxy as it is. */
const VALUE = /^[!-~]+$/;

function demandWord(option: keyof BearerOptions, given: unknown): void {
  if (typeof given === 'string' && WORD.test(given)) return;
  throw failure('SOJOURN_OPTION', {
    option: `${option} of bearer`,
    wanted: "must be 1 to 64 letters, digits and !#$%&'*+-.^_`|~",
    got: show(given),
  });
}

function headerValue(token: string): string {
  if (VALUE.test(token)) return token;
  throw failure('SOJOURN_VALUE', {
    path: 'the token',
    problem: 'it is empty or has characters that no header may carry',
  });
}
