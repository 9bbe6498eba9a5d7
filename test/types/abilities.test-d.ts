/** What a store cannot do, its sessions do not offer: the compiler takes it away. */
import type { Head, Indexed, Store } from 'sojourn';
import { memory, sessions } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { same } from './same.js';

declare const plainStore: Store;
declare const indexedStore: Store & Indexed;

type Destroy = (id: string) => Promise<void>;
type Of = (user: string) => AsyncIterable<readonly [id: string, head: Head]>;
type Revoke = (user: string, options?: { readonly except?: string }) => Promise<number>;

// A store that does not know users.
const plain = sessions({ store: plainStore });
same<typeof plain.of, never>(true);
same<typeof plain.revoke, never>(true);
same<typeof plain.destroy, Destroy>(true);
// @ts-expect-error
plain.revoke('ann');
// @ts-expect-error
plain.of('ann');

// One that does, written by the user or ours.
for (const s of [sessions({ store: indexedStore }), sessions({ store: memory() })]) {
  same<typeof s.of, Of>(true);
  same<typeof s.revoke, Revoke>(true);
}
const onDisk = sessions({ store: lmdb('./sessions') });
same<typeof onDisk.of, Of>(true);
same<typeof onDisk.revoke, Revoke>(true);

async function operate(): Promise<void> {
  for await (const [id, head] of onDisk.of('ann')) {
    same<typeof id, string>(true);
    same<typeof head, Head>(true);
    await onDisk.destroy(id);
  }
  const ended = await onDisk.revoke('ann', { except: 'this one' });
  same<typeof ended, number>(true);
}
void operate;

// A store needs its four verbs.
// @ts-expect-error
sessions({ store: { name: 'half', load: () => null } });
// @ts-expect-error
sessions({});

// What holds sessions that it can revoke may be handed to what only ends one; never the other way round.
function signOutEverywhere(_sessions: { readonly revoke: Revoke }): void {}
signOutEverywhere(onDisk);
