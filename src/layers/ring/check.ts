/**
 * What a ring says when it is asked whether all is well: what its nodes say, and what it knows of them.
 *
 * A node that is away is a sentence for the operator and no failure, as long as copies of its sessions are elsewhere.
 * Rejected: failing then, for a health check would take a server out of service that serves everybody.
 */
import type { Store } from '../../contract.js';
import { isFailure } from '../../errors.js';
import type { Node } from './node.js';

/** Sentences of all stores, each with the name of its node. Rejects with what a store cannot do, unless `mayFail` says that the others do without it. */
export async function checkAll(
  stores: ReadonlyMap<string, Store>,
  mayFail: (name: string) => boolean,
): Promise<readonly string[]> {
  const all = await Promise.all(
    [...stores].map(async ([name, store]) => {
      try {
        return ((await store.check?.()) ?? []).map((sentence) => `Node ${name}: ${sentence}`);
      } catch (error) {
        if (!mayFail(name)) throw error;
        return [`Node ${name} fails: ${isFailure(error) ? error.message : 'see its own log.'}`];
      }
    }),
  );
  return all.flat();
}

/** One sentence for each node that is not as it should be. */
export function troubles(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => {
    if (node.isReached && node.isOutdated) {
      return [
        `Node ${node.name} was away for a day; it is emptied and filled anew, once the nodes that share sessions with it are whole.`,
      ];
    }
    if (!node.isUp) return [`Node ${node.name} does not answer; its sessions have one copy fewer until it does.`];
    if (node.mark === null) return [`Node ${node.name} has lost its sessions, and is being filled.`];
    if (node.behind.size > 0) return [`Node ${node.name} has missed writes, and is catching up.`];
    return [];
  });
}
