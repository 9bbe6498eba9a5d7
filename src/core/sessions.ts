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
  Former,
  HeaderLine,
  MaybePromise,
  OpenOptions,
  RequestView,
  Revocable,
  Sealer,
  Session,
  SessionFormat,
  Sessions,
  Store,
  Transport,
} from '../contract.js';
import { failure } from '../errors.js';
import { NO_LINES } from './answer-lines.js';
import { carriedBy, carry } from './carried.js';
import type { Custody, CustodySettings } from './custody.js';
import { emitter, type Listener, type Listeners } from './events.js';
import { type LifetimeOptions, lifetimes } from './expiry.js';
import { ANONYMOUS, type Found } from './find.js';
import { adopt, checkedFormer, oldCookies, takeOver } from './former.js';
import { held } from './held.js';
import type { Mutations } from './intent.js';
import { type Limits, limits } from './limits.js';
import { chain, isPromise } from './maybe.js';
import { checked, oneOf, show } from './options.js';
import type { PolicyOptions } from './policies.js';
import { sealed } from './sealed.js';
import { type Arrival, LiveSession, type Standing, type Surroundings, standingOf } from './session.js';

/** Old cookies decide too. Merged with what else the answer varies by. */
const VARY_COOKIE: HeaderLine = Object.freeze(['Vary', 'Cookie'] as const);

declare const shape: unique symbol;
/** The shape of an application's session data; see `type()`. */
export interface Type<T extends object> {
  readonly [shape]?: T;
}

/** What every application can say, wherever its sessions live. */
export interface ApplicationOptions<T extends object> extends LifetimeOptions {
  /** The fields and their types: `type<{ views: number; cart: string[] }>()`. Exists for the compiler only. */
  readonly data?: Type<T>;
  /** How the token travels. Default `cookie()`: `__Host-sid`, Secure, HttpOnly, SameSite=Lax. */
  readonly transport?: Transport;
  /** How values become bytes. Default `json()`. */
  readonly codec?: Codec;
  /** Lifetimes of sessions that are to outlive the browser: `login(user, { remember: true })`. Default 30 days idle, 180 absolute. */
  readonly remember?: LifetimeOptions;
  /** What becomes of an assignment that was made after a read, when another request has changed the field: it wins and a `conflict` event tells (default), or the request fails with SOJOURN_CONFLICT. */
  readonly mutations?: Mutations;
  readonly limits?: Partial<Limits>;
  /**
   * Libraries that kept sessions before, whose cookies visitors may still have (`sojourn/formerly`). Who presents one and none of ours
   * goes on with a session of ours, signed in as before; the answer takes the old cookie back.
   */
  readonly formerly?: readonly Former[];
  /** Listeners from the start; more can be added with `on()`. */
  readonly on?: Listeners;
  /** Clock, dice and timers, for tests. */
  readonly environment?: Environment;
}

/** Sessions in a store. */
export interface SessionsOptions<T extends object, S extends Store> extends ApplicationOptions<T>, PolicyOptions {
  /** Where sessions live. */
  readonly store: S;
  /** How often expired sessions are removed from stores that do not do it themselves; false for never. Default 1 minute. */
  readonly sweep?: Duration | false;
  readonly seal?: never;
  readonly revocations?: never;
}

/** Sessions in their cookies. */
export interface SealedOptions<T extends object, R extends Store | undefined>
  extends ApplicationOptions<T>,
    Omit<PolicyOptions, 'onWriteError'> {
  /** How a session becomes its token: `encrypted({ keys })`, `signed({ keys })`, or somebody else's format. */
  readonly seal: Sealer | SessionFormat;
  /**
   * Any store. It keeps who has been signed out, so that `destroy` and `revoke` are real on every server; each request asks it,
   * unless it is under `cached`. Without it a cookie is good until its deadline, whoever has it.
   */
  readonly revocations?: R;
  readonly store?: never;
  readonly sweep?: never;
}

/** For the types of `Sessions`: what sealed sessions can do in place of a store. */
export type SealedAbilities<R> = R extends Store ? Revocable : undefined;

const EITHER = [
  'data',
  'transport',
  'codec',
  'idle',
  'absolute',
  'remember',
  'mutations',
  'deadline',
  'onReadError',
  'onDestroyError',
  'limits',
  'formerly',
  'on',
  'environment',
] as const;
const HELD_ONLY = ['store', 'onWriteError', 'sweep'] as const;
const SEALED_ONLY = ['seal', 'revocations'] as const;

/** What a default binds; the rest of the options speaks for itself. */
export interface Parts {
  readonly transport: () => Transport;
  readonly codec: (limits: Limits) => Codec;
  readonly environment: Environment;
}

/** Assembles the engine. Throws SOJOURN_OPTION for anything that is not as it must be, before the first request. */
export function assemble<T extends object, S>(
  given: SessionsOptions<T, Store> | SealedOptions<T, Store | undefined>,
  parts: Parts,
): Sessions<T, S> {
  const options = optionsOf(given);
  const transport = usable(
    'transport',
    options.transport ?? parts.transport(),
    ['read', 'write', 'clear'],
    'cookie() or bearer()',
  );
  const bounds = limits(options.limits);
  const foreign = options.seal === undefined ? undefined : codecOf(options.seal, options.codec);
  const codec = usable('codec', foreign ?? options.codec ?? parts.codec(bounds), ['encode', 'decode'], 'json()');
  const settings: CustodySettings = {
    transport,
    lifetimes: lifetimes(options),
    mutations: oneOf('mutations', options.mutations ?? 'last-wins', ['last-wins', 'reject']),
    environment: usable(
      'environment',
      options.environment ?? parts.environment,
      ['now', 'random', 'every'],
      'controllableClock()',
    ),
    events: emitter(options.on),
  };
  const { environment, events } = settings;
  const custody: Custody =
    options.seal === undefined
      ? held(
          usable('store', options.store, ['load', 'create', 'commit', 'destroy'], 'memory() or lmdb(path)'),
          options,
          settings,
        )
      : sealed(options.seal, options, settings);
  const { keep } = custody;
  const former = checkedFormer(options.formerly);
  const surroundings: Surroundings = {
    codec,
    limits: bounds,
    environment,
    events,
    isSealed: custody.isSealed,
    commit: (session) => {
      const standing = standingOf(session);
      // Who saves on the way may do so for as long as the request goes on: the time for the store begins anew each time.
      standing.arrival.spent = 0;
      return settled(standing, false);
    },
  };
  const engine = {};
  if (options.on?.destroyed !== undefined || options.on?.expired !== undefined) custody.hear();

  function open(request: RequestView, owner?: object, choice?: OpenOptions): MaybePromise<Session<T>> {
    const tokens = transport.read(request);
    const presented = tokens.length > 0;
    const arrival: Arrival = { request, presented, mute: false, degraded: false, spent: 0 };
    if (!presented && former.length > 0)
      return chain(takeOver(former, request), (left) => {
        const session = present(ANONYMOUS, arrival, owner);
        if (left !== null) adopt(session as Session, left, events);
        return session;
      });
    return chain(custody.find(tokens, arrival, choice), (found) => present(found, arrival, owner));
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
    return chain(settled(standing, true), () => linesOf(standing, status));
  }

  function linesOf(standing: Standing, status: number): readonly HeaderLine[] {
    const lines = custody.lines(standing, status);
    return former.length === 0 ? lines : [...oldCookies(former, standing), ...lines, VARY_COOKIE];
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

  function on<E extends keyof Events>(event: E, listener: Listener<E>): () => void {
    const off = events.on(event, listener);
    if (event === 'destroyed' || event === 'expired') custody.hear();
    return off;
  }

  function describe(): object {
    const { lifetimes, mutations } = settings;
    return {
      ...custody.describe(),
      transport: transport.describe(),
      codec: codec.name,
      lifetimes,
      mutations,
      limits: bounds,
    };
  }

  const destroy = async (id: string): Promise<void> => {
    if (typeof id !== 'string' || id === '')
      throw failure('SOJOURN_OPTION', { option: 'id of destroy()', wanted: 'must be a session id', got: show(id) });
    await custody.destroy(id);
  };
  // The conditional types of `destroy`, `of` and `revoke` are for the caller's compiler; at run time they are always functions.
  return {
    open,
    save,
    from,
    destroy,
    of: custody.of,
    revoke: custody.revoke,
    on,
    ready: custody.ready,
    describe,
    close: custody.close,
  } as unknown as Sessions<T, S>;
}

/** The options after all names are checked: those of sessions in a store, or in cookies. */
interface Options extends ApplicationOptions<object>, PolicyOptions {
  readonly store?: Store;
  readonly sweep?: Duration | false;
  readonly seal?: Sealer | SessionFormat;
  readonly revocations?: Store;
}

function optionsOf(given: object): Options {
  const options: Options = checked('sessions()', given as Options, [...EITHER, ...HELD_ONLY, ...SEALED_ONLY]);
  const isSealed = options.seal !== undefined;
  for (const option of isSealed ? HELD_ONLY : SEALED_ONLY) {
    if (options[option] === undefined) continue;
    const wanted = isSealed
      ? 'must not stand beside seal: a session is in its cookie or in a store. A store beside the cookie is `revocations`'
      : 'goes with seal only: a store ends its sessions by itself';
    throw failure('SOJOURN_OPTION', { option, wanted });
  }
  return options;
}

/** A foreign format brings its own codec. */
function codecOf(seal: Sealer | SessionFormat, codec: Codec | undefined): Codec | undefined {
  if (typeof seal !== 'object' || seal === null || !('codec' in seal)) return undefined;
  if (codec !== undefined)
    throw failure('SOJOURN_OPTION', { option: 'codec', wanted: `must be left out: ${seal.name} has its own` });
  return seal.codec;
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
