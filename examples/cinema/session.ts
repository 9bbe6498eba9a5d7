/**
 * What the cinema keeps in a session, and for how long. The only file of the example that sets a session policy.
 *
 * `_user_id`, `user_id`, `_fresh` and `_id` repeat the sign-in under the names that Flask-Login reads (0.6 and 0.4), so that
 * a Flask process beside ours can serve the same visitors. Everything else shows what sessions are good at: seats chosen
 * but not ordered, films looked at, messages for the next page; written by several tabs at once, and none is lost.
 */
import { type Indexed, type Sessions, type Store, sessions, type } from 'sojourn';

export interface CinemaSession {
  _user_id: string;
  user_id: string;
  _fresh: boolean;
  _id: string;
  /** Seats chosen before the order, by showing. */
  seats: Record<string, number[]>;
  /** Ids of films looked at, newest first. */
  recent: string[];
  flash: Flash[];
}

/** A message that is shown once. */
export interface Flash {
  readonly kind: 'good' | 'note';
  readonly text: string;
}

export type CinemaStore = Store & Indexed;
export type CinemaSessions = Sessions<CinemaSession, CinemaStore>;

export function cinemaSessions(store: CinemaStore): CinemaSessions {
  return sessions({
    data: type<CinemaSession>(),
    store,
    idle: '30m',
    absolute: '12h',
    remember: { idle: '15d', absolute: '90d' },
  });
}
