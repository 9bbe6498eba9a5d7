/**
 * Sessions that travel in their tokens: no store, and the same rules.
 *
 * A token opens to the whole session. What a request changes is applied to the newest state that this server knows (recent.ts), and
 * the answer carries a new token; an answer that changed nothing carries none. Everything else, fields, logins, lifetimes, flash
 * messages, is the engine's as with a store, because the newest states are one: a small one, in this process, for a minute.
 *
 * What a cookie cannot do stands in the types: nobody can list sessions, and nobody can end one, unless `revocations` names a store
 * that keeps who was signed out (notices.ts). A token that does not fit is an error before the answer begins, and
 * nothing of the request is kept.
 */
import type { OpenOptions, RefusedReason, Sealer, SessionFormat, Store } from '../contract.js';
import { failure, isFailure } from '../errors.js';
import { answerLines } from './answer-lines.js';
import type { Custody, CustodySettings } from './custody.js';
import { type Endings, endings } from './ending.js';
import { hasExpired, lifetimeOf, MAX_SKEW_MS } from './expiry.js';
import { ANONYMOUS, type Found, MUTE, STAND_IN } from './find.js';
import { keeper } from './keep.js';
import { lanes } from './lane.js';
import { chain, isPromise } from './maybe.js';
import { type Notices, notices } from './notices.js';
import { oneOf, show } from './options.js';
import type { PolicyOptions } from './policies.js';
import { areTwoLogins, type Carrier, recent } from './recent.js';
import { type Form, formOf, type Travelling } from './sealed-form.js';
import type { Arrival, Standing } from './session.js';

export interface SealedCustodyOptions extends Omit<PolicyOptions, 'onWriteError'> {
  readonly revocations?: Store;
}

export function sealed(
  seal: Sealer | SessionFormat,
  options: SealedCustodyOptions,
  settings: CustodySettings,
): Custody {
  const { transport, lifetimes, mutations, environment, events } = settings;
  const form = formOf(usableSeal(seal), transport.scope ?? transport.name, environment.random);
  const longest = transport.longest ?? Number.POSITIVE_INFINITY;
  const onReadError = readChoice(options.onReadError ?? 'fail');
  const known = recent(environment, events);
  const told: Notices | undefined = noticesOf(form, options, settings);
  const ends = endingsOf();
  const lines = answerLines(transport, undefined);
  const keepHere = keeper({
    store: {
      name: form.name,
      create: known.create,
      commit: known.commit,
    },
    commit: lanes({
      store: { commit: known.commit },
      mutations,
      onConflict: (id, field, lost) => events.emit('conflict', { id, field, lost }),
    }),
    endings: ends,
    onWriteError: 'fail',
    seal: tokenOf,
    clear: lines.cleared,
    lifetimes,
    environment,
    events,
  });

  return {
    isSealed: true,
    find,
    keep,
    lines: lines.of,
    async destroy(id) {
      demandNotices('destroy');
      await ends.end(id, 'revoked');
    },
    of() {
      throw failure('SOJOURN_OPTION', {
        option: 'seal',
        wanted: 'keeps sessions in cookies, where nobody can list them. Use a store for of()',
      });
    },
    async revoke(user, { except } = {}) {
      await demandNotices('revoke').revoke(user, except);
      return undefined;
    },
    ready: async () => told?.ready() ?? true,
    hear() {},
    describe: () => ({ seal: form.name, revocations: told === undefined ? false : told.describe() }),
    async close() {
      ends.close();
      await told?.close();
    },
  };

  function find(tokens: readonly string[], arrival: Arrival, choice: OpenOptions | undefined) {
    if (tokens.length === 0) return ANONYMOUS;
    const now = environment.now();
    const opened: Travelling[] = [];
    for (const token of tokens) {
      const travelling = form.open(token, now);
      if (travelling !== null) opened.push(travelling);
    }
    if (opened.length === 0) return refuse('malformed');
    if (opened.length > 2) return refuse('ambiguous');
    const [first, second] = opened;
    return chain(judge(first!, arrival, choice), (one) =>
      second === undefined ? one : chain(judge(second, arrival, choice), (other) => choose(one, other)),
    );
  }

  /** As with a store: order must not decide who somebody is. Two states of one session are one session. */
  function choose(one: Found, other: Found): Found {
    if (one === STAND_IN || other === STAND_IN) return STAND_IN;
    if (one.opened === null || other.opened === null) return one.opened !== null ? one : other;
    if (one.opened.id !== other.opened.id) return refuse('ambiguous');
    const [a, b] = [one.opened.stored.head, other.opened.stored.head];
    if (areTwoLogins(a, b)) return refuse('ambiguous');
    return a.generation - b.generation || a.version - b.version ? (isLater(a, b) ? one : other) : one;
  }

  function judge(presented: Travelling, arrival: Arrival, choice: OpenOptions | undefined) {
    const { id, session } = presented;
    const { head } = session;
    const now = environment.now();
    if (hasExpired(head, now, lifetimeOf(head, lifetimes)) || ends.ended.has(id)) return refuse('unknown');
    if (head.createdAt > now + MAX_SKEW_MS) return refuse('skew', id);
    if (told === undefined) return resume(presented, arrival);
    const policy = choice?.onReadError === undefined ? onReadError : readChoice(choice.onReadError);
    const next = (stands: boolean): Found => (stands ? resume(presented, arrival) : refuse('unknown'));
    const troubled = (error: unknown): Found => {
      if (policy === 'anonymous' && isFailure(error) && error.fault === 'store') return STAND_IN;
      throw error;
    };
    try {
      const stands = told.stands(id, head.user, presented.notice, arrival);
      return isPromise(stands) ? stands.then(next, troubled) : next(stands);
    } catch (error) {
      return troubled(error);
    }
  }

  function resume(presented: Travelling, arrival: Arrival): Found {
    const state = known.resume(presented);
    if (state === null) return refuse('unknown');
    if (state === 'superseded') {
      events.emit('refused', { reason: 'superseded', id: presented.id });
      return MUTE;
    }
    arrival.sealed = state;
    return { opened: { id: state.id, stored: state.session, secret: undefined }, mute: false, degraded: false };
  }

  function refuse(reason: RefusedReason, id?: string): Found {
    events.emit('refused', id === undefined ? { reason } : { reason, id });
    return ANONYMOUS;
  }

  /** Who signs in stands under the newest notice of that user: whatever was revoked before does not concern him. */
  function keep(standing: Standing) {
    if (told === undefined || standing.login === undefined || standing.arrival.degraded) return kept(standing);
    return chain(told.of(standing.login, standing.arrival), (notice) => {
      (standing.arrival as Carrier).notice = notice;
      return kept(standing);
    });
  }

  function kept(standing: Standing) {
    return chain(keepHere(standing), (result) => {
      // The request goes on, and what it does next builds on this state, however long it takes.
      if (standing.last || standing.id === undefined) return result;
      const state = known.newest(standing.id, standing.arrival.sealed as Travelling | undefined);
      if (state !== undefined) standing.arrival.sealed = state;
      return result;
    });
  }

  function tokenOf(id: string): string {
    const state = known.newest(id)!;
    try {
      const token = form.seal(state, environment.now());
      if (token.length > longest) throw tooLong(token.length, longest, state);
      known.settle(id, true);
      return token;
    } catch (error) {
      known.settle(id, false);
      throw error;
    }
  }

  /** Here a session ends at once, for a minute; on every server where there are notices. */
  function endingsOf(): Endings & { readonly ended: { has(id: string): boolean } } {
    if (told === undefined) {
      return {
        ended: new Set(),
        end(id, reason) {
          known.end(id);
          events.emit('destroyed', { id, reason });
        },
        close() {},
      };
    }
    const { ended } = told;
    const store = { name: told.name, ended, destroy: told.end };
    const inner = endings({ store, onDestroyError: options.onDestroyError ?? 'fail', environment, events });
    return {
      ended,
      end(id, reason, allowance) {
        known.end(id);
        return inner.end(id, reason, allowance);
      },
      close: inner.close,
    };
  }

  function demandNotices(call: string): Notices {
    if (told !== undefined) return told;
    throw failure('SOJOURN_OPTION', {
      option: 'revocations',
      wanted: `must name a store for ${call}(): a session in a cookie cannot be ended from elsewhere without one`,
    });
  }
}

function isLater(
  a: { readonly generation: number; readonly version: number },
  b: { readonly generation: number; readonly version: number },
): boolean {
  return a.generation !== b.generation ? a.generation > b.generation : a.version > b.version;
}

function noticesOf(form: Form, options: SealedCustodyOptions, settings: CustodySettings): Notices | undefined {
  const { revocations } = options;
  if (revocations === undefined) {
    for (const option of ['deadline', 'onReadError', 'onDestroyError'] as const) {
      if (options[option] === undefined) continue;
      throw failure('SOJOURN_OPTION', {
        option,
        wanted: 'is about calls to a store, and goes with store or revocations only',
      });
    }
    return undefined;
  }
  if (!form.hasMarks) {
    throw failure('SOJOURN_OPTION', {
      option: 'revocations',
      wanted: `cannot be had with ${form.name}, whose tokens have no place for them`,
    });
  }
  return notices(revocations, options, settings);
}

function usableSeal<S extends Sealer | SessionFormat>(seal: S): S {
  const is = (method: string): boolean => typeof (seal as unknown as Record<string, unknown>)[method] === 'function';
  if ((is('seal') && is('unseal')) || (is('read') && is('write') && 'codec' in seal)) return seal;
  throw failure('SOJOURN_OPTION', {
    option: 'seal',
    wanted: 'must be a sealer, for example encrypted({ keys: [key] })',
    got: show(seal),
  });
}

function readChoice(given: unknown): 'fail' | 'anonymous' {
  return oneOf('onReadError', given, ['fail', 'anonymous']);
}

const MOST_FIELDS_NAMED = 5;

function tooLong(size: number, limit: number, { session }: Travelling): Error {
  const sizes = [...session.fields].map(([name, value]) => [name, value.length] as const);
  const largest = sizes.sort(([, a], [, b]) => b - a).slice(0, MOST_FIELDS_NAMED);
  const named = largest.map(([name, bytes]) => `${show(name)} ${bytes} bytes`);
  const rest = sizes.length > largest.length ? [`${sizes.length - largest.length} more`] : [];
  return failure('SOJOURN_TOKEN_SIZE', { size, limit, fields: [...named, ...rest].join(', ') });
}
