/** The ring itself on trial. */
import { ring } from '../../../src/layers/ring.js';
import type { Layer } from './play.js';

export const ringLayer: Layer = {
  name: 'the ring',
  open: ({ nodes, copies, environment }) =>
    ring(
      nodes.map((store) => ({ name: store.name, store })),
      { copies, environment },
    ),
};
