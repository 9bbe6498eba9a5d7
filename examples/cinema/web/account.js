/**
 * Who is signed in, as far as this page knows.
 *
 * The session decides; this is only what the header shows. An outage changes nothing here: not being able to ask is not
 * being signed out.
 */
import { get, Refused, remove, Unreachable } from './api.js';

const listeners = new Set();
let user = null;
let isKnown = true;

/** The user as the server describes him, or null. */
export function account() {
  return user;
}

/** False when nobody answered who is here. Then the page offers no sign-in: the visitor may well be signed in. */
export function accountIsKnown() {
  return isKnown;
}

/** Calls `run` now and whenever somebody signs in or out or changes the profile. */
export function onAccount(run) {
  listeners.add(run);
  run();
}

export async function refreshAccount() {
  try {
    become(await get('/api/users/'));
  } catch (error) {
    if (error instanceof Refused) become(null);
    else if (error instanceof Unreachable && !user) become(null, false);
  }
}

/** The server has just said so. */
export function signedOutHere() {
  become(null);
}

export async function signOut() {
  const answer = await remove('/api/session/');
  become(null);
  return answer;
}

function become(next, known = true) {
  user = next;
  isKnown = known;
  for (const run of listeners) run();
}
