/**
 * Layers over one node that break one promise each: what the judge must see, rule by rule.
 *
 * A rule that nothing ever breaks shows nothing. The naive copies break many of them by themselves; these are for the rest, and for
 * the day when somebody changes a rule.
 */
import type { Delta, Outcome, Store, Stored } from '../../../src/contract.js';
import { failure } from '../../../src/errors.js';
import type { Layer, Place } from './play.js';
import { LOG } from './scenario.js';
import type { Keeps } from './server.js';
import type { Rule } from './violation.js';

type Verbs = Pick<Store, 'load' | 'create' | 'commit' | 'destroy'>;

function over(rule: Rule, change: (store: Store, place: Place) => Partial<Verbs>): readonly [Rule, Layer] {
  return [
    rule,
    {
      name: `sabotage: ${rule}`,
      open(place) {
        const [store] = place.nodes as readonly [Keeps, ...Keeps[]];
        return { ...store, ...change(store, place) };
      },
    },
  ];
}

/** What `load` would show, changed. */
function showing(change: (stored: Stored, calls: number) => Stored) {
  return (store: Store): Partial<Verbs> => {
    let calls = 0;
    return {
      async load(id) {
        const stored = await store.load(id);
        return stored && change(stored, ++calls);
      },
    };
  };
}

function withHead(stored: Stored, head: Partial<Stored['head']>): Stored {
  return { ...stored, head: { ...stored.head, ...head } };
}

/** Every tenth commit of a swap goes another way. */
function someSwaps(other: (store: Store, id: string, delta: Delta) => Promise<Outcome>) {
  return (store: Store): Partial<Verbs> => {
    let swaps = 0;
    return {
      commit: (id, delta) =>
        delta.fields.get(LOG)?.op === 'swap' && ++swaps % 10 === 0 ? other(store, id, delta) : store.commit(id, delta),
    };
  };
}

const never = new Promise<never>(() => {});
const trouble = () =>
  failure('SOJOURN_STORE', { store: 'sabotage', operation: 'load', problem: 'it does not want to' });

export const sabotages: ReadonlyMap<Rule, Layer> = new Map([
  over('lost', (store) => {
    let sets = 0;
    return {
      commit(id, delta) {
        const isLost = [...delta.fields.values()].some(({ op }) => op === 'set') && ++sets % 10 === 0;
        return store.commit(id, isLost ? { ...delta, fields: new Map() } : delta);
      },
    };
  }),
  over(
    'swap lost',
    someSwaps((store, id, delta) => store.commit(id, { ...delta, fields: new Map() }) as Promise<Outcome>),
  ),
  over('own write unseen', (store, { monotonic }) => ({
    // In the storm of the first round nothing is written, and nobody is told.
    commit: (id, delta) =>
      monotonic() % 21_000 < 15_000 ? { status: 'ok', version: 1_000_000 } : store.commit(id, delta),
  })),
  over(
    'refused yet written',
    someSwaps(async (store, id, delta) => {
      await store.commit(id, delta);
      return { status: 'conflict', fields: new Map([[LOG, null]]) };
    }),
  ),
  over(
    'written twice',
    someSwaps(async (store, id, delta) => {
      const write = delta.fields.get(LOG)!;
      const value = write.op === 'delete' ? '' : Buffer.from(write.value ?? '').toString();
      const twice = { ...write, value: Buffer.from(`${value},${value.split(',').at(-1)}`) };
      return store.commit(id, { ...delta, fields: new Map([[LOG, twice]]) });
    }),
  ),
  over(
    'idle conflict',
    someSwaps(async (_store, _id, { fields }) => {
      const write = fields.get(LOG);
      return { status: 'conflict', fields: new Map([[LOG, write?.op === 'swap' ? write.expect : null]]) };
    }),
  ),
  over(
    'invented',
    showing((stored, calls) =>
      calls % 50 === 0 ? { ...stored, fields: new Map([['b', Buffer.from('out of thin air')]]) } : stored,
    ),
  ),
  over('revived', () => ({ destroy: () => undefined })),
  over('revived at home', () => ({ destroy: () => undefined })),
  over('absent', (store) => {
    let loads = 0;
    return { load: (id) => (++loads % 50 === 0 ? null : store.load(id)) };
  }),
  over('new one absent', (store) => {
    const own = new Set<string>();
    return {
      create: (id, session) => store.create(own.add(id) && id, session),
      load: (id) => (own.has(id) ? store.load(id) : null),
    };
  }),
  over('exists', (store) => {
    let creations = 0;
    return { create: (id, session) => (++creations % 10 === 0 ? 'exists' : store.create(id, session)) };
  }),
  over('old secret', (store) => {
    const first = new Map<string, Uint8Array | undefined>();
    return {
      async load(id) {
        const stored = await store.load(id);
        if (stored && !first.has(id)) first.set(id, stored.head.secret);
        const secret = first.get(id);
        return stored && secret ? withHead(stored, { secret }) : stored;
      },
    };
  }),
  over('old generation', (store) => ({
    async commit(id, delta) {
      const { generation } = (await store.load(id))?.head ?? delta;
      return store.commit(id, { ...delta, generation });
    },
  })),
  over(
    'backwards',
    showing((stored, calls) => withHead(stored, { version: Math.max(1, stored.head.version - (calls % 2)) })),
  ),
  over('expired', (store) => {
    const seen = new Map<string, Stored>();
    return {
      async load(id) {
        const stored = await store.load(id);
        if (stored) seen.set(id, stored);
        return stored ?? seen.get(id) ?? null;
      },
    };
  }),
  over(
    'prolonged',
    showing((stored) => withHead(stored, { expiresAt: stored.head.expiresAt + 3_600_000 })),
  ),
  over('failed in calm', (store) => {
    let loads = 0;
    return { load: (id) => (++loads % 50 === 0 ? Promise.reject(trouble()) : store.load(id)) };
  }),
  over('unanswered', (store) => {
    let loads = 0;
    return { load: (id) => (++loads % 50 === 0 ? never : store.load(id)) };
  }),
  over('crashed', (store) => {
    let loads = 0;
    return {
      load: (id) => (++loads % 50 === 0 ? Promise.reject(new TypeError('x is not a function')) : store.load(id)),
    };
  }),
]);

/** Reads from one node only, so the second copy is of no use. */
export const oneEyed: Layer = {
  name: 'reads from the first node only',
  open({ nodes: [first, second] }) {
    return {
      ...first!,
      create: async (id, session) => {
        await second!.create(id, session);
        return first!.create(id, session);
      },
    };
  },
};
