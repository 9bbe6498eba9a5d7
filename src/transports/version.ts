/**
 * The version of a session as text in a header: what a client has been told, and tells the next server.
 *
 * It comes from outside, so what is not a version is none; there is nobody to complain to. Of several the highest counts: all
 * that it can do is make a server look once more. Rejected: a signature, which would cost more than the read that it saves.
 */

/** As far as numbers are exact. No sign, no leading zero: one spelling, as for tokens. */
const VERSION = /^[1-9][0-9]{0,14}$/;

export function versionOf(values: readonly string[]): number | undefined {
  let highest: number | undefined;
  for (const value of values) {
    if (!VERSION.test(value)) continue;
    const version = Number(value);
    if (highest === undefined || version > highest) highest = version;
  }
  return highest;
}
