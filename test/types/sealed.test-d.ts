/** Sessions in cookies: what nothing can carry out does not exist for the compiler. */
import { randomBytes } from 'node:crypto';
import {
  encrypted,
  memory,
  type Revocable,
  type Session,
  type Sessions,
  type Store,
  sessions,
  signed,
  type,
} from 'sojourn';
import { session } from 'sojourn/express';
import { same } from './same.js';

declare const anyStore: Store;
const keys = [randomBytes(32)];

// A cookie alone: nobody can end it from elsewhere.
const alone = sessions({ data: type<{ views: number }>(), seal: encrypted({ keys }) });
same<typeof alone, Sessions<{ views: number }, undefined>>(true);
same<typeof alone.destroy, never>(true);
same<typeof alone.of, never>(true);
same<typeof alone.revoke, never>(true);
// @ts-expect-error
alone.destroy('id');
// @ts-expect-error
alone.revoke('ann');
// @ts-expect-error
alone.of('ann');

// With a store for revocations, of whatever kind: ended, but never listed.
for (const s of [
  sessions({ seal: signed({ keys }), revocations: anyStore }),
  sessions({ seal: encrypted({ keys }), revocations: memory() }),
]) {
  same<typeof s, Sessions<Record<string, unknown>, Revocable>>(true);
  same<typeof s.destroy, (id: string) => Promise<void>>(true);
  same<typeof s.revoke, (user: string, options?: { readonly except?: string }) => Promise<void>>(true);
  same<typeof s.of, never>(true);
}

// Handlers and adapters see no difference.
const visit: Session<{ views: number }> = alone.from({});
visit.set('views', 1);
// @ts-expect-error
visit.set('views', 'one');
session(alone);

// A session is in its cookie or in a store.
// @ts-expect-error
sessions({ seal: encrypted({ keys }), store: anyStore });
// @ts-expect-error
sessions({ store: anyStore, revocations: anyStore });
// @ts-expect-error
sessions({ seal: encrypted({ keys }), sweep: '1m' });
// @ts-expect-error
encrypted({});
