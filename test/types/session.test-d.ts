/** The shape that an application names once is the shape of every session it meets: fields, values, and nothing else. */
import type { Session } from 'sojourn';
import { memory, sessions, type } from 'sojourn';
import { same } from './same.js';

interface Visit {
  views: number;
  cart: string[];
  theme: 'light' | 'dark';
}

const s = sessions({ data: type<Visit>(), store: memory() });
const session = s.from({});

// `from` finds the session of a request, typed by `data`; `open` gives the same.
same<typeof session, Session<Visit>>(true);
same<Awaited<ReturnType<typeof s.open>>, Session<Visit>>(true);

// A field may always be absent.
const views = session.get('views');
same<typeof views, number | undefined>(true);
const taken = session.take('cart');
same<typeof taken, string[] | undefined>(true);
same<typeof session.data, Partial<Visit>>(true);
for (const key of session.keys()) same<typeof key, keyof Visit>(true);

// Fields of that name do not exist.
// @ts-expect-error
session.get('vews');
// @ts-expect-error
session.has('vews');
// @ts-expect-error
session.set('vews', 1);
// @ts-expect-error
session.delete('vews');
// @ts-expect-error
session.take('vews');
// @ts-expect-error
session.update('vews', () => 1);
// @ts-expect-error
session.data.vews;

// Values of another type are refused; undefined deletes.
session.set('views', 1);
session.set('views', undefined);
session.set('theme', 'dark');
// @ts-expect-error
session.set('views', '1');
// @ts-expect-error
session.set('views', null);
// @ts-expect-error
session.set('theme', 'blue');
// @ts-expect-error
session.set('cart', [1]);
// @ts-expect-error
session.data.views = 'one';

// `update` is handed what may be absent, and gives back a value of the field, or undefined to delete it.
session.update('views', (current) => {
  same<typeof current, number | undefined>(true);
  return (current ?? 0) + 1;
});
session.update('cart', (cart = []) => [...cart, 'ticket']);
session.update('cart', () => undefined);
// @ts-expect-error
session.update('views', (current) => current + 1);
// @ts-expect-error
session.update('views', () => 'one');
// @ts-expect-error: an update has to be at hand when the session is saved, so it cannot be waited for.
session.update('views', async (current) => (current ?? 0) + 1);

// What only the engine may change.
// @ts-expect-error
session.user = 'ann';
// @ts-expect-error
session.id = 'other';
session.login('ann', { remember: true });
// @ts-expect-error
session.login({ name: 'ann' });
same<Awaited<ReturnType<typeof session.save>>, 'ok' | 'gone'>(true);

// Without `data` every name is a field, and no value is known.
const untyped = sessions({ store: memory() }).from({});
same<typeof untyped, Session<Record<string, unknown>>>(true);
const anything = untyped.get('anything');
same<typeof anything, unknown>(true);
