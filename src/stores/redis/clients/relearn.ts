/**
 * How a node-redis cluster is brought to ask for the cluster's shape again.
 *
 * It asks when a node answers MOVED, and never because a node is silent: after the crash of a master, commands for its keys wait in
 * that node's queue, no MOVED can come, and the replica that took over is not found (release 5: never; release 6: after five
 * seconds). So while a node is being reconnected, a living node is asked for a key that it does not have, through the cluster client.
 * It answers MOVED, and the client learns. Only public methods are used; the question reads nothing.
 */
import type { Argument } from '../door.js';
import { slotOf } from '../link-slots.js';

export interface Relearning {
  readonly masters: readonly Master[];
  readonly slots: readonly ({ readonly master: Master } | undefined)[];
  sendCommand(key: string, isReadonly: boolean, args: readonly Argument[], options: object): Promise<unknown>;
  on(event: 'node-reconnecting', listener: () => void): unknown;
}

interface Master {
  readonly client?: { readonly isReady: boolean };
}

/** How many keys there are to choose from: enough that every master of some size has one. */
const CANDIDATES = 64;

/**
 * Resolves when the client has asked, or could not. Never rejects.
 * @param sample any key of the store: the keys of the question begin like it, so that an ACL by prefix lets them pass
 */
export async function relearn(client: Relearning, sample: string): Promise<void> {
  const stem = sample.replace(/\{.*/s, ''); // braces would put all candidates into one slot
  const candidates = Array.from({ length: CANDIDATES }, (_, n) => `${stem}:probe:${n}`);
  const masterOf = (key: string) => client.slots[slotOf(key)]?.master;
  const here = candidates.find((key) => masterOf(key)?.client?.isReady);
  const there = candidates.find((key) => here !== undefined && masterOf(key) !== masterOf(here));
  if (here === undefined || there === undefined) return;
  // The client sends it to the owner of `here` each time it is told MOVED, asks for the shape each time, and gives up at its own
  // limit. Not EXISTS: release 6 looks the keys of that one up by itself.
  await client.sendCommand(here, false, ['GET', there], {}).catch(() => {});
}

/** Once per client, however many stores stand on it. */
const accompanied = new WeakSet<Relearning>();

/** At each attempt to reconnect to a node, one question at a time: the client's own pauses between attempts are the clock. */
export function relearnWhileReconnecting(client: Relearning, sample: () => string): void {
  if (accompanied.has(client)) return;
  accompanied.add(client);
  let asking = false;
  client.on('node-reconnecting', () => {
    if (asking) return;
    asking = true;
    void relearn(client, sample()).finally(() => {
      asking = false;
    });
  });
}
