/**
 * Knowing a Python pickle when we see one, to say so, and for nothing else.
 *
 * Flask-Session kept its sessions as pickles before 0.7, so a store that was Flask's may still hold some. Reading a pickle runs
 * whatever it says, so nothing here reads one: to us it is damage, and the reason in the `corrupt` event names it.
 */

const PROTOCOL_MARK = 0x80;

/** Protocols 2 to 5 begin with a mark and their number. Older ones are text, and look like anything. */
export function isPickle(bytes: Uint8Array): boolean {
  const protocol = bytes[1] ?? 0;
  return bytes[0] === PROTOCOL_MARK && protocol >= 2 && protocol <= 5;
}

/** The reason, as events and messages give it. */
export const PICKLE_PROBLEM = 'it is a Python pickle, which is never executed here';
