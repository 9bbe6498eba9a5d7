/**
 * The session as the server shows it to its owner: what the foot line draws, what was looked at lately, and messages that
 * wait there to be shown once (another tab may have caused them). Whoever asks, all listeners hear.
 */
import { get } from './api.js';
import { toast } from './toast.js';

const SOON_MS = 250;
const listeners = new Set();
let waiting = null;

/** Hears the session after every time it was asked for. */
export function onSession(run) {
  listeners.add(run);
}

/** @param {AbortSignal} [signal] */
export async function askForSession(signal) {
  clearTimeout(waiting);
  const session = await get('/api/session/', signal);
  for (const message of session.flash ?? []) toast(message.text);
  for (const run of listeners) run(session);
  return session;
}

/** Several reasons in a row are one question. An outage is told elsewhere, and what was known stays. */
export function askForSessionSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(() => askForSession().catch(() => undefined), SOON_MS);
}
