/** The least layer: everything goes to the first node. What one store promises, it promises; so the judge must find nothing. */
import type { Layer } from './play.js';

export const oneNode: Layer = {
  name: 'one node',
  open: ({ nodes: [node] }) => node!,
};
