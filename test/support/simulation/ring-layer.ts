/**
 * The ring itself on trial.
 *
 * One promise it does not make. A session that was created while its creator reached one of its owners, and not the other, is unknown to a
 * server that reaches the other owner alone, for as long as that lasts. Where there is a third node that both of them reach, it is found there
 * (outages.test.ts); of two nodes there is none. It could answer 503 instead, but to everybody whose session has expired, too, for as long as a
 * node is away: what a server cannot reach looks the same as what has died.
 */
import type { Store } from '../../../src/contract.js';
import { type RingControls, ring } from '../../../src/layers/ring.js';
import type { Layer } from './play.js';

/** Of a node that is drained, and one that stays, two copies are left. */
const LEAST_ACTIVE = 2;

export const ringLayer: Layer = {
  name: 'the ring',
  except: ['new one absent'],
  open: ({ nodes, copies, environment }) =>
    ring(
      nodes.map((store) => ({ name: store.name, store })),
      { copies, environment },
    ),
  async resize(store, node, weight) {
    const own = store as Store & RingControls;
    const active = own.describe().nodes.filter((each) => each.weight > 0 && each.name !== node);
    if (weight === 0 && active.length < LEAST_ACTIVE) return;
    await own.resize(await own.plan({ weights: { [node]: weight } }));
  },
};
