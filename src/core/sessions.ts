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
  RequestView,
  Session,
  Sessions,
  Store,
  Sweepable,
  Transport,
} from '../contract.js';
import { failure } from '../errors.js';
import { carriedBy, carry } from './carried.js';
import { emitter, type Listeners } from './events.js';
import { type LifetimeOptions, lifetimes } from './expiry.js';
import { type Found, finder } from './find.js';
import { guard } from './guard.js';
import type { Mutations } from './intent.js';
import { keeper } from './keep.js';
import { lanes } from './lane.js';
import { type Limits, limits } from './limits.js';
import { chain, isPromise } from './maybe.js';
import { checked, durationMs, oneOf, show } from './options.js';
import { LiveSession, type Standing, type Surroundings, standingOf } from './session.js';

declare const shape: unique symbol;
/** The shape of an application's session data; see `type()`. */
export interface Type<T extends object> {
  readonly [shape]?: T;
}

export interface SessionsOptions<T extends object, S extends Store> extends LifetimeOptions {
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
  'limits',
  'on',
  'sweep',
  'environment',
] as const;
/** At most this many expired sessions are removed in one go, so that a sweep never blocks requests for long. */
const SWEEP_BATCH = 200;
/** And so many goes at one time; the rest waits for the next. */
const SWEEP_ROUNDS = 100;

const NO_LINES: readonly HeaderLine[] = Object.freeze([]);
const NO_STORE: HeaderLine = ['Cache-Control', 'no-store'];

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
  const guarded = guard(store, events);
  const commit = lanes({
    store: guarded,
    mutations,
    onConflict: (id, field, lost) => events.emit('conflict', { id, field, lost }),
  });
  const find = finder({ store: guarded, lifetimes: life, environment, events });
  const keep = keeper({ store: guarded, commit, lifetimes: life, environment, events });
  const surroundings: Surroundings = {
    codec,
    limits: bounds,
    environment,
    events,
    commit: (session) => settled(standingOf(session), false),
  };
  const varyLine: HeaderLine = ['Vary', transport.vary];
  const onlyVary: readonly HeaderLine[] = Object.freeze([varyLine]);
  const engine = {};
  const stopSweeping = startSweeping();

  function open(request: RequestView, owner?: object): MaybePromise<Session<T>> {
    const tokens = transport.read(request);
    return chain(find(tokens), (found) => present(found, request, tokens.length > 0, owner));
  }

  function present(found: Found, request: RequestView, presented: boolean, owner: object | undefined): Session<T> {
    const session = new LiveSession<T>(surroundings, found.opened, {
      request,
      presented,
      mute: found.mute,
      degraded: false,
      spent: 0,
    });
    if (owner !== undefined) carry(owner).sessions.push({ engine, session });
    return session;
  }

  function save(session: Session<T>, status: number = 200): MaybePromise<readonly HeaderLine[]> {
    const standing = standingOf(session);
    standing.closed = true;
    if (!standing.accessed) return NO_LINES;
    return chain(settled(standing, true), () => lines(standing, status));
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

  function lines({ announcement, arrival }: Standing, status: number): readonly HeaderLine[] {
    if (announcement.kind === 'none' || (announcement.kind === 'clear' && !arrival.presented)) return onlyVary;
    if (announcement.kind === 'clear') return [...transport.clear(arrival.request), varyLine, NO_STORE];
    if (status === 304 && !announcement.must) return onlyVary;
    return [...transport.write(announcement.token, announcement.lifetimeMs, arrival.request), varyLine, NO_STORE];
  }

  function from(request: object): Session<T> {
    const opened = request && carriedBy(request)?.sessions.findLast((each) => each.engine === engine);
    if (!opened) throw failure('SOJOURN_NO_SESSION', undefined);
    return opened.session as Session<T>;
  }

  async function end(id: string, reason: Events['destroyed']['reason']): Promise<void> {
    await guarded.destroy(id);
    events.emit('destroyed', { id, reason });
  }

  async function revoke(user: string, { except }: { readonly except?: string } = {}): Promise<number> {
    let count = 0;
    for await (const [id] of of(user)) {
      if (id === except) continue;
      await end(id, 'revoked');
      count++;
    }
    return count;
  }

  function of(user: string): AsyncIterable<readonly [id: string, head: Head]> {
    if (!('byUser' in store)) {
      throw failure('SOJOURN_OPTION', {
        option: 'store',
        wanted: `must keep an index by user for of() and revoke(); ${store.name} has none`,
      });
    }
    return (store as unknown as Indexed).byUser(user);
  }

  function startSweeping(): () => void {
    const every = options.sweep ?? '1m';
    if (every === false || !('sweep' in store)) return () => {};
    const sweepable = store as unknown as Sweepable;
    return environment.every(durationMs('sweep', every), () => {
      sweepAll(sweepable).catch((error) => events.emit('storeError', { store: store.name, operation: 'sweep', error }));
    });
  }

  function describe(): object {
    const abilities = ['byUser', 'list', 'sweep', 'watch'].filter((ability) => ability in store);
    return {
      store: { name: store.name, abilities },
      transport: transport.describe(),
      codec: codec.name,
      lifetimes: life,
      mutations,
      limits: bounds,
    };
  }

  async function close(): Promise<void> {
    stopSweeping();
    await store.close?.();
  }

  const destroy = async (id: string): Promise<void> => {
    if (typeof id !== 'string' || id === '')
      throw failure('SOJOURN_OPTION', { option: 'id of destroy()', wanted: 'must be a session id', got: show(id) });
    await end(id, 'revoked');
  };
  // The conditional types of `destroy`, `of` and `revoke` are for the caller's compiler; at run time they are always functions.
  return { open, save, from, destroy, of, revoke, on: events.on, describe, close } as unknown as Sessions<T, S>;
}

async function sweepAll(store: Sweepable): Promise<void> {
  for (let round = 0; round < SWEEP_ROUNDS; round++) {
    if ((await store.sweep(SWEEP_BATCH)) < SWEEP_BATCH) return;
    await new Promise(setImmediate);
  }
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
