/**
 * The ring itself on trial.
 *
 * One promise it does not make. A session that was created while its creator reached one of its owners, and not the other, is unknown to a
 * server that reaches the other owner alone, for as long as that lasts. Where there is a third node that both of them reach, it is found there
 * (outages.test.ts); of two nodes there is none. It could answer 503 instead, but to everybody whose session has expired, too, for as long as a
 * node is away: what a server cannot reach looks the same as what has died.
 */
import { ring } from '../../../src/layers/ring.js';
import type { Layer } from './play.js';

export const ringLayer: Layer = {
  name: 'the ring',
  except: ['new one absent'],
  open: ({ nodes, copies, environment }) =>
    ring(
      nodes.map((store) => ({ name: store.name, store })),
      { copies, environment },
    ),
};
