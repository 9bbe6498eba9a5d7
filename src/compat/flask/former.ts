/**
 * Flask's sessions, read once, for an application that moves away from them: whoever comes with a cookie of Flask's, and none of ours, goes
 * on with what he had, in a session of ours. Flask's entries and cookies are not written; a logout takes both cookies back.
 *
 * Rejected: a store that reads Flask's and writes ours, because an id of Flask's is a token, and ours must never become one.
 */
import { json } from '../../codecs/json.js';
import type {
  Codec,
  Duration,
  Former,
  FormerSession,
  MaybePromise,
  SessionFormat,
  Shared,
  Store,
  Stored,
  Transport,
} from '../../contract.js';
import { environment } from '../../core/environment.js';
import { checked, durationMs, flag } from '../../core/options.js';
import { failure, isFailure } from '../../errors.js';

export interface FromFlaskOptions {
  /** Flask's own cookie: `flaskCookie({ secretKey })`. */
  readonly seal?: SessionFormat;
  /** Or Flask-Session's entries: `flaskSession(client)`. */
  readonly store?: Store & Shared;
  /** The cookie as Flask sets it: `flaskTransport()`. */
  readonly transport: Transport;
  /** Leave Flask's cookie where it is, while Flask still runs. A logout then takes back ours alone. Default false. */
  readonly keepCookie?: boolean;
  /** How long to wait for `store`. Default 500 ms. */
  readonly deadline?: Duration;
}

/**
 * Goes on with Flask's sessions. Says who is signed in, and whether he is remembered; when he signed in, Flask does not know.
 * @example
 * sessions({
 *   store: redis(client),
 *   formerly: [fromFlask({ store: flaskSession(client), transport: flaskTransport() })],
 * })
 */
export function fromFlask(options: FromFlaskOptions): Former {
  const { seal, store, transport, keepCookie, deadline } = checked('fromFlask', options, [
    'seal',
    'store',
    'transport',
    'keepCookie',
    'deadline',
  ]);
  if (transport === undefined || (seal === undefined) === (store === undefined))
    throw failure('SOJOURN_OPTION', {
      option: 'of fromFlask',
      wanted: 'must be a transport, and either seal or store',
    });
  const keeps = keepCookie !== undefined && flag('keepCookie of fromFlask', keepCookie);
  const deadlineMs = durationMs('deadline of fromFlask', deadline ?? 500);
  return {
    name: seal === undefined ? 'flask-session' : 'flask',
    read(request) {
      const [token] = transport.read(request);
      if (token === undefined) return null;
      if (seal !== undefined) return sessionOf(seal.read(token, environment.now()), seal.codec);
      return store!.isId(token) ? left(store!, token, deadlineMs) : null;
    },
    clear: (request) => (keeps || transport.read(request).length === 0 ? [] : transport.clear(request)),
  };
}

/** An entry that nobody can read is no session. Trouble with its store is trouble. */
async function left(store: Store, id: string, deadlineMs: number): Promise<FormerSession | null> {
  try {
    return sessionOf(await inTime(store, store.load(id), deadlineMs), PLAIN);
  } catch (error) {
    if (isFailure(error, 'SOJOURN_CORRUPT')) return null;
    throw error;
  }
}

function inTime<T>({ name }: Store, answer: MaybePromise<T>, deadlineMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = environment.every(deadlineMs, () => {
      stop();
      const problem = `it did not answer within ${deadlineMs} ms`;
      reject(failure('SOJOURN_STORE', { store: name, operation: 'load', problem }));
    });
    Promise.resolve(answer).finally(stop).then(resolve, reject);
  });
}

/** What `flaskSession` hands over, unless it was told of another codec. */
const PLAIN: Codec = json();

function sessionOf(stored: Stored | null, codec: Codec): FormerSession | null {
  if (stored === null) return null;
  const { user, remember } = stored.head;
  const fields = new Map([...stored.fields].map(([name, bytes]) => [name, codec.decode(bytes)]));
  return { fields, ...(user !== undefined && { user }), ...(remember === true && { remember }) };
}
