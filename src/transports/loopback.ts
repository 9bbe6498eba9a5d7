/**
 * Whether a Host header names this very machine.
 *
 * Browsers treat these hosts as safe without TLS, because nothing leaves the computer (W3C Secure Contexts, 3.1): localhost and
 * names below it, 127.0.0.0/8 and ::1. Numbers in other spellings (127.1, 0x7f000001) are not needed by anybody and not taken.
 */

// Each part ends in a character that its own class lacks, so no input makes this look back far.
const LOOPBACK = /^(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}|\[::1\])(?::\d{1,5})?$/i;
/** The longest host name there can be, with a port. */
const MAX_HOST = 255 + 6;

/** The last host asked about: on this machine they are all the same, and comparing is a tenth of matching. */
let asked = '';
let answered = false;

export function isLoopback(host: string | undefined): boolean {
  if (host === undefined || host.length > MAX_HOST) return false;
  if (host !== asked) {
    answered = LOOPBACK.test(host);
    asked = host;
  }
  return answered;
}
