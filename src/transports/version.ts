/**
 * The version of a session as text in a header. It comes from outside: what is not a version is none, and of several the
 * highest counts, since all that it can do is make a server look once more.
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
