/**
 * Talking to the server. Success is status 200, a refusal is 233 with a Chinese text (see server-texts.js), anything else
 * is trouble.
 *
 * A GET that nobody answered is tried once more after a short pause: one server of the fleet may just have died, and the
 * next one knows the session too. Writes are not repeated by themselves, because nobody can tell whether they landed;
 * those that set a whole value may ask for it with `again`. Listeners hear who answered, for the foot line.
 */

const PAUSE_MS = 800;
const PATIENCE_MS = 10_000;
/** How the gateway signs the answers that it gives because no server did. */
const GATEWAY = 'gateway';
const answerListeners = new Set();
const weatherListeners = new Set();
let skewMs = 0;

/** The server understood and said no. `message` is its Chinese text. */
export class Refused extends Error {}
/** No server answered, or the one that did was in trouble. */
export class Unreachable extends Error {
  /** Keys of words.js: for the line under the header, for a view that stays empty, for an action. */
  words = { weather: 'tryingAgain', view: 'noServer', action: 'notDone' };
}
/** A server answered that it cannot reach the place where sessions live. It tells nothing about who is signed in. */
export class SessionsAway extends Unreachable {
  words = { weather: 'sessionsTrying', view: 'sessionsAway', action: 'sessionsNotDone' };
}

export const get = (path, signal) => send('GET', path, { signal, again: true });
export const post = (path, data, options = {}) => send('POST', path, { data, ...options });
export const patch = (path, data) => send('PATCH', path, { data });
export const remove = (path) => send('DELETE', path, {});

/** Hears `{ servedBy, method, ms }` for every answer. */
export function onAnswer(run) {
  answerListeners.add(run);
}

/** Hears after every answer and every failure: null, or the key of what to say about it. */
export function onWeather(run) {
  weatherListeners.add(run);
}

/** Epoch milliseconds by the server's clock, as its Date headers tell; for countdowns. */
export function serverNow() {
  return Date.now() + skewMs;
}

async function send(method, path, { data, signal, again = false }) {
  try {
    return await attempt(method, path, data, signal);
  } catch (error) {
    if (!(error instanceof Unreachable) || !again) throw error;
    await pause(signal);
    return attempt(method, path, data, signal);
  }
}

async function attempt(method, path, data, signal) {
  const started = performance.now();
  const response = await reach(method, path, data, signal);
  const servedBy = response.headers.get('x-served-by');
  const body = await response.json().catch(() => null);
  if (response.status === 503 && servedBy !== GATEWAY) throw reported(new SessionsAway(`${method} ${path}`));
  if (response.status >= 500 || body === null) throw reported(new Unreachable(`${method} ${path}: ${response.status}`));
  tell(weatherListeners, null);
  noteClock(response);
  if (servedBy) tell(answerListeners, { servedBy, method, ms: Math.round(performance.now() - started) });
  if (response.status !== 200) throw new Refused(body.message ?? String(response.status));
  return body;
}

async function reach(method, path, data, signal) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const body = data === undefined || data instanceof FormData ? data : new URLSearchParams(data);
  try {
    const until = signal ? AbortSignal.any([signal, patience]) : patience;
    return await fetch(path, { method, body, signal: until, headers: { Accept: 'application/json' } });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw reported(new Unreachable(`${method} ${path}`));
  }
}

/** The Date header has seconds only, so that small differences are noise, not skew. */
function noteClock(response) {
  const date = Date.parse(response.headers.get('date') ?? '');
  const difference = date - Date.now();
  skewMs = Math.abs(difference) > 5000 ? difference : 0;
}

function pause(signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, PAUSE_MS);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function reported(error) {
  tell(weatherListeners, error.words.weather);
  return error;
}

function tell(listeners, event) {
  for (const run of listeners) run(event);
}
