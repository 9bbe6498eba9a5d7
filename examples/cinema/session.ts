/**
 * What the cinema keeps in a session, and for how long. The only file of the example that sets a session policy.
 *
 * `_user_id`, `user_id`, `_fresh` and `_id` repeat the sign-in under the names that Flask-Login reads (0.6 and 0.4), so that
 * a Flask process beside ours can serve the same visitors. Everything else shows what sessions are good at: seats chosen
 * but not ordered, films looked at, messages for the next page; written by several tabs at once, and none is lost.
 */
import { type Head, type Indexed, type Sealer, type Sessions, type Store, sessions, type } from 'sojourn';

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

/** Where sessions live: in a store, or, with `seal`, in cookies; then the store keeps who was signed out. */
export interface Home {
  readonly store: Store;
  readonly seal?: Sealer;
}

/** Wherever they live. What only some places can do is in `ByUser`. */
export type CinemaSessions = Sessions<CinemaSession, Store>;

/** What a place knows of all the sessions of one user. */
export interface ByUser {
  /** Undefined: nobody can list them. */
  readonly of?: (user: string) => AsyncIterable<readonly [id: string, head: Head]>;
  /** Ends them, and tells how many where that is known. */
  readonly revoke: (user: string, options: { readonly except?: string }) => Promise<number | undefined>;
}

/** `byUser` is undefined for a place that knows nothing of users. */
export function cinemaSessions({ store, seal }: Home): { sessions: CinemaSessions; byUser: ByUser | undefined } {
  const policy = {
    data: type<CinemaSession>(),
    idle: '30m',
    absolute: '12h',
    remember: { idle: '15d', absolute: '90d' },
  } as const;
  if (seal) {
    const sealed = sessions({ ...policy, seal, revocations: store });
    const revoke: ByUser['revoke'] = async (user, options) => void (await sealed.revoke(user, options));
    return { sessions: anywhere(sealed), byUser: { revoke } };
  }
  if (!isIndexed(store)) return { sessions: sessions({ ...policy, store }), byUser: undefined };
  const indexed = sessions({ ...policy, store });
  return { sessions: anywhere(indexed), byUser: indexed };
}

/** For callers that ask no more than any place can do. */
function anywhere<S>(some: Sessions<CinemaSession, S>): CinemaSessions {
  return some as unknown as CinemaSessions;
}

function isIndexed(store: Store): store is Store & Indexed {
  return 'byUser' in store;
}
