/**
 * Going on with sessions that another library has left: read once, and from then on ours.
 *
 * Who presents no token of ours and an old cookie gets a new session that holds what the old one held, signed in as before; when
 * the request ends it is stored like any other. The old cookie is taken back by every answer that sets or clears ours: a logout
 * must not be undone by it. Who presents a token of ours, were it a dead one, is never looked up there: what ended here has ended.
 *
 * A sign-in that is taken over proves nothing new, so `requireFresh` asks again unless the old library knew when it was. What the
 * old session held and ours cannot is left out, and told as `corrupt`. Several first requests at once each take it over; the
 * visitor keeps the last one.
 */
import type { Former, FormerSession, HeaderLine, MaybePromise, RequestView, Session } from '../contract.js';
import { failure, isFailure } from '../errors.js';
import type { Emitter } from './events.js';
import { chain } from './maybe.js';
import { show } from './options.js';
import { type Standing, standingOf } from './session.js';

/** What the first of them knows of this visitor. */
export function takeOver(
  former: readonly Former[],
  request: RequestView,
  from: number = 0,
): MaybePromise<FormerSession | null> {
  const one = former[from];
  if (one === undefined) return null;
  return chain(one.read(request), (left) => left ?? takeOver(former, request, from + 1));
}

/** Puts what was left into a session that is new. */
export function adopt(session: Session, left: FormerSession, events: Emitter): void {
  for (const [field, value] of left.fields) {
    try {
      session.set(field, value);
    } catch (error) {
      if (!isFailure(error, 'SOJOURN_VALUE') && !isFailure(error, 'SOJOURN_LIMIT')) throw error;
      events.emit('corrupt', { id: session.id, field, reason: error.message });
    }
  }
  if (left.user !== undefined) session.login(left.user, { remember: left.remember === true });
  else if (left.remember === true) session.remember();
  standingOf(session).provenAt = left.signedInAt ?? 'unknown';
}

/** The lines that take old cookies back, where the answer sets or clears ours. */
export function oldCookies(former: readonly Former[], { announcement, arrival }: Standing): readonly HeaderLine[] {
  return announcement.kind === 'none' ? [] : former.flatMap((one) => one.clear(arrival.request));
}

export function checkedFormer(former: readonly Former[] | undefined): readonly Former[] {
  const list = former ?? [];
  if (Array.isArray(list) && list.every((one) => typeof one?.read === 'function' && typeof one.clear === 'function'))
    return list;
  throw failure('SOJOURN_OPTION', {
    option: 'formerly',
    wanted: 'must be a list, for example [expressSession({ secret, store })]',
    got: show(former),
  });
}
