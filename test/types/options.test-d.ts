/** Options that cannot work are refused while they are typed; the same rules hold at run time for those who have no compiler. */
import type { Duration, Events } from 'sojourn';
import { bearer, cookie, firstOf, memory, sessions } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { same } from './same.js';

const store = memory();

// Durations: a number of milliseconds, or a number and its unit.
const durations: readonly Duration[] = [1500, '1500ms', '45s', '30m', '1.5h', '7d'];
sessions({ store, idle: '30m', absolute: '12h', remember: { idle: '30d', absolute: '180d' }, sweep: '1m' });
sessions({ store, sweep: false });
void durations;
// @ts-expect-error
sessions({ store, idle: '30 minutes' });
// @ts-expect-error
sessions({ store, idle: '30min' });
// @ts-expect-error
sessions({ store, idle: 'm' });
// @ts-expect-error
sessions({ store, absolute: '2w' });
// @ts-expect-error
sessions({ store, remember: { idle: 'forever' } });
// @ts-expect-error
sessions({ store, sweep: true });

// Unknown options.
// @ts-expect-error
sessions({ store, ttl: '30m' });
// @ts-expect-error
sessions({ store, limits: { size: 1 } });
// @ts-expect-error
sessions({ store, mutations: 'ignore' });
// @ts-expect-error
memory({ size: 1 });
// @ts-expect-error
lmdb({ path: './sessions' });

// The prefixes of a cookie's name are promises that bind its other options.
cookie({ name: '__Host-x' });
cookie({ name: '__Host-x', path: '/', secure: true });
cookie({ name: '__Secure-x', domain: 'example.com' });
cookie({ name: 'x', domain: 'example.com', path: '/shop', secure: false, sameSite: 'strict' });
// @ts-expect-error
cookie({ name: '__Host-x', domain: 'example.com' });
// @ts-expect-error
cookie({ name: '__Host-x', path: '/shop' });
// @ts-expect-error
cookie({ name: '__Host-x', secure: false });
// @ts-expect-error: browsers compare the prefix without regard to case.
cookie({ name: '__host-x', domain: 'example.com' });
// @ts-expect-error
cookie({ name: '__Secure-x', secure: false });
// @ts-expect-error
cookie({ sameSite: 'Lax' });
// @ts-expect-error: always on.
cookie({ httpOnly: false });
// @ts-expect-error: follows from the timeouts.
cookie({ maxAge: 3600 });

sessions({ store, transport: firstOf(cookie(), bearer()) });
// @ts-expect-error
sessions({ store, transport: 'cookie' });

// Events carry what they are about.
const s = sessions({ store, on: { gone: ({ id }) => same<typeof id, string>(true) } });
const stop = s.on('conflict', ({ id, field, lost }) => {
  same<typeof id, string>(true);
  same<typeof field, string>(true);
  same<typeof lost, boolean>(true);
});
same<typeof stop, () => void>(true);
s.on('refused', (event) => same<typeof event, Events['refused']>(true));
s.on('destroyed', ({ reason }) => same<typeof reason, 'logout' | 'revoked' | 'elsewhere'>(true));
s.on('refused', ({ reason }) => {
  // @ts-expect-error
  if (reason === 'expired') return;
});
// @ts-expect-error
s.on('regenerated', () => {});
// @ts-expect-error
s.on('gone', ({ field }) => field);
// @ts-expect-error
sessions({ store, on: { regenerated: () => {} } });

// What becomes of requests when the store is in trouble.
sessions({ store, deadline: '200ms', onReadError: 'fail', onWriteError: 'drop-touch', onDestroyError: 'later' });
sessions({ store, onReadError: { stale: '5m' } });
// @ts-expect-error
sessions({ store, onReadError: 'ignore' });
// @ts-expect-error
sessions({ store, onWriteError: 'anonymous' });
s.on('storeDown', ({ store: name, calls }) => {
  same<typeof name, string>(true);
  same<typeof calls, 'reads' | 'writes'>(true);
});
