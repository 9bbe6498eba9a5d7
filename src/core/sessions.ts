/**
 * The path of a request, from top to bottom: `open` before the handler, `save` before the first byte of the answer.
 *
 *   open   the transport shows the tokens, `find` looks for the session they open, the handler gets a `LiveSession`
 *   save   `keep` carries out what the handler wants, and the lines to add to the answer's headers come back
 *
 * Nothing here knows a store, a framework or a clock; index.ts binds the defaults.
 */
import type {
  Codec,
  Duration,
  Environment,
  Events,
  Head,
  HeaderLine,
  Indexed,
  MaybePromise,
  OpenOptions,
  RequestView,
  Session,
  Sessions,
  Store,
  Transport,
} from '../contract.js';
import { failure } from '../errors.js';
import { answerLines, NO_LINES } from './answer-lines.js';
import { carriedBy, carry } from './carried.js';
import { elsewhere } from './elsewhere.js';
import { endings } from './ending.js';
import { emitter, type Listener, type Listeners } from './events.js';
import { type LifetimeOptions, lifetimes } from './expiry.js';
import { type Found, finder } from './find.js';
import { guard } from './guard.js';
import { health } from './health.js';
import type { Mutations } from './intent.js';
import { keeper } from './keep.js';
import { lanes } from './lane.js';
import { type Limits, limits } from './limits.js';
import { chain, isPromise } from './maybe.js';
import { checked, durationMs, oneOf, show } from './options.js';
import { isCaching, type PolicyOptions, policies, readPolicy } from './policies.js';
import { revoking } from './revoke.js';
import { type Arrival, LiveSession, type Standing, type Surroundings, standingOf } from './session.js';
import { startSweeping } from './sweeping.js';

declare const shape: unique symbol;
/** The shape of an application's session data; see `type()`. */
export interface Type<T extends object> {
  readonly [shape]?: T;
}

export interface SessionsOptions<T extends object, S extends Store> extends LifetimeOptions, PolicyOptions {
  /** The fields and their types: `type<{ views: number; cart: string[] }>()`. Exists for the compiler only. */
  readonly data?: Type<T>;
  /** Where sessions live. */
  readonly store: S;
  /** How the token travels. Default `cookie()`: `__Host-sid`, Secure, HttpOnly, SameSite=Lax. */
  readonly transport?: Transport;
  /** How values become bytes. Default `json()`. */
  readonly codec?: Codec;
  /** Lifetimes of sessions that are to outlive the browser: `login(user, { remember: true })`. Default 30 days idle, 180 absolute. */
  readonly remember?: LifetimeOptions;
  /** What becomes of an assignment that was made after a read, when another request has changed the field: it wins and a `conflict` event tells (default), or the request fails with SOJOURN_CONFLICT. */
  readonly mutations?: Mutations;
  readonly limits?: Partial<Limits>;
  /** Listeners from the start; more can be added with `on()`. */
  readonly on?: Listeners;
  /** How often expired sessions are removed from stores that do not do it themselves; false for never. Default 1 minute. */
  readonly sweep?: Duration | false;
  /** Clock, dice and timers, for tests. */
  readonly environment?: Environment;
}

const OPTIONS = [
  'data',
  'store',
  'transport',
  'codec',
  'idle',
  'absolute',
  'remember',
  'mutations',
  'deadline',
  'onReadError',
  'onWriteError',
  'onDestroyError',
  'limits',
  'on',
  'sweep',
  'environment',
] as const;
/** What a default binds; the rest of the options speaks for itself. */
export interface Parts {
  readonly transport: () => Transport;
  readonly codec: (limits: Limits) => Codec;
  readonly environment: Environment;
}

/** Assembles the engine. Throws SOJOURN_OPTION for anything that is not as it must be, before the first request. */
export function assemble<T extends object, S extends Store>(
  given: SessionsOptions<T, S>,
  parts: Parts,
): Sessions<T, S> {
  const options = checked('sessions()', given, OPTIONS);
  const store = usable('store', options.store, ['load', 'create', 'commit', 'destroy'], 'memory() or lmdb(path)');
  const transport = usable(
    'transport',
    options.transport ?? parts.transport(),
    ['read', 'write', 'clear'],
    'cookie() or bearer()',
  );
  const bounds = limits(options.limits);
  const codec = usable('codec', options.codec ?? parts.codec(bounds), ['encode', 'decode'], 'json()');
  const life = lifetimes(options);
  const mutations = oneOf('mutations', options.mutations ?? 'last-wins', ['last-wins', 'reject']);
  const environment = usable(
    'environment',
    options.environment ?? parts.environment,
    ['now', 'random', 'every'],
    'controllableClock()',
  );
  const events = emitter(options.on);
  const policy = policies(options, store);
  const guarded = guard({ store, deadlineMs: policy.deadlineMs, environment, events });
  const { onDestroyError, onWriteError } = policy;
  const ends = endings({ store: guarded, onDestroyError, environment, events });
  const others = elsewhere({ store, environment, events });
  const caching = isCaching(store) ? store : undefined;
  const commit = lanes({
    store: guarded,
    patience: guarded.patience,
    mutations,
    onConflict: (id, field, lost) => events.emit('conflict', { id, field, lost }),
  });
  const lines = answerLines(transport, caching);
  const find = finder({ store: guarded, isCaching: caching !== undefined, lifetimes: life, environment, events });
  const keep = keeper({
    store: guarded,
    commit,
    endings: ends,
    onWriteError,
    clear: lines.cleared,
    lifetimes: life,
    environment,
    events,
  });
  const surroundings: Surroundings = {
    codec,
    limits: bounds,
    environment,
    events,
    commit: (session) => {
      const standing = standingOf(session);
      // Who saves on the way may do so for as long as the request goes on: the time for the store begins anew each time.
      standing.arrival.spent = 0;
      return settled(standing, false);
    },
  };
  const engine = {};
  /** Only copies can be older than what a client has seen. */
  const readsVersions = caching !== undefined && transport.readVersion !== undefined;
  const sweepMs = options.sweep === false || !('sweep' in store) ? 0 : durationMs('sweep', options.sweep ?? '1m');
  const stopSweeping = sweepMs > 0 ? startSweeping(store, sweepMs, environment, events) : undefined;
  const revoke = revoking(store.name, of, ends);
  const ready = health(store, guarded, events);
  if (options.on?.destroyed !== undefined || options.on?.expired !== undefined) others.start();

  function open(request: RequestView, owner?: object, choice?: OpenOptions): MaybePromise<Session<T>> {
    const tokens = transport.read(request);
    const presented = tokens.length > 0;
    const arrival: Arrival = { request, presented, mute: false, degraded: false, spent: 0 };
    const onReadError = choice?.onReadError === undefined ? policy.onReadError : readPolicy(choice.onReadError, store);
    const atLeast = readsVersions && presented ? transport.readVersion!(request) : undefined;
    return chain(find(tokens, arrival, onReadError, atLeast), (found) => present(found, arrival, owner));
  }

  function present(found: Found, arrival: Arrival, owner: object | undefined): Session<T> {
    arrival.mute = found.mute;
    arrival.degraded = found.degraded;
    const session = new LiveSession<T>(surroundings, found.opened, arrival);
    if (owner !== undefined) carry(owner).sessions.push({ engine, session });
    return session;
  }

  function save(session: Session<T>, status: number = 200): MaybePromise<readonly HeaderLine[]> {
    const standing = standingOf(session);
    standing.closed = true;
    if (!standing.accessed) return NO_LINES;
    return chain(settled(standing, true), () => lines.of(standing, status));
  }

  /** One commit at a time for each session object: an explicit save that is still under way comes first. */
  function settled(standing: Standing, last: boolean): MaybePromise<'ok' | 'gone'> {
    const { saving } = standing;
    if (saving !== undefined)
      return saving.then(
        () => settled(standing, last),
        () => settled(standing, last),
      );
    standing.last = last;
    const result = keep(standing);
    if (!isPromise(result)) return result;
    const tracked = result.finally(() => {
      standing.saving = undefined;
    });
    standing.saving = tracked;
    return tracked;
  }

  function from(request: object): Session<T> {
    const opened = request && carriedBy(request)?.sessions.findLast((each) => each.engine === engine);
    if (!opened) throw failure('SOJOURN_NO_SESSION', undefined);
    return opened.session as Session<T>;
  }

  function of(user: string): AsyncIterable<readonly [id: string, head: Head]> {
    if (!('byUser' in store)) {
      throw failure('SOJOURN_OPTION', {
        option: 'store',
        wanted: `must keep an index by user for of() and revoke(); ${store.name} has none`,
      });
    }
    return guarded.walk('byUser', () => (store as unknown as Indexed).byUser(user));
  }

  function on<E extends keyof Events>(event: E, listener: Listener<E>): () => void {
    const off = events.on(event, listener);
    if (event === 'destroyed' || event === 'expired') others.start();
    return off;
  }

  function describe(): object {
    const abilities = ['byUser', 'list', 'sweep', 'watch', 'listen'].filter((ability) => ability in store);
    const { kind, staleMs } = policy.onReadError;
    return {
      store: { name: store.name, abilities },
      transport: transport.describe(),
      codec: codec.name,
      lifetimes: life,
      mutations,
      outage: {
        deadlineMs: policy.deadlineMs,
        onReadError: kind === 'stale' ? { staleMs } : kind,
        onWriteError,
        onDestroyError,
      },
      limits: bounds,
    };
  }

  async function close(): Promise<void> {
    stopSweeping?.();
    ends.close();
    await others.close();
    guarded.close();
    await store.close?.();
  }

  const destroy = async (id: string): Promise<void> => {
    if (typeof id !== 'string' || id === '')
      throw failure('SOJOURN_OPTION', { option: 'id of destroy()', wanted: 'must be a session id', got: show(id) });
    await ends.end(id, 'revoked');
  };
  // The conditional types of `destroy`, `of` and `revoke` are for the caller's compiler; at run time they are always functions.
  return {
    open,
    save,
    from,
    destroy,
    of,
    revoke,
    on,
    ready,
    describe,
    close,
  } as unknown as Sessions<T, S>;
}

/** `value` if it has the methods; SOJOURN_OPTION otherwise. */
function usable<P extends object>(
  option: string,
  value: P | undefined,
  methods: readonly (keyof P & string)[],
  example: string,
): P {
  const missing =
    typeof value === 'object' && value !== null ? methods.filter((m) => typeof value[m] !== 'function') : methods;
  if (value === undefined || missing.length > 0) {
    const got = typeof value === 'object' && value !== null ? `something without ${missing.join(', ')}` : show(value);
    throw failure('SOJOURN_OPTION', { option, wanted: `must be given, for example ${example}`, got });
  }
  return value;
}
