/** Cells for the toy store: a map, and steps that the toy runs one at a time. Parts are open, because a broken variant must reach in. */
import type { Cell, Cells } from '../../src/contract.js';

export interface ToyCells extends Cells {
  readonly kept: Map<string, Cell>;
  readonly epochs: Map<number, number>;
  live(id: string): Cell | null;
}

export interface ToyCellPlace {
  readonly cells: Map<string, Cell>;
  readonly epochs: Map<number, number>;
}

/** `call` runs a step after a while; `changed` tells the other handles. */
export function toyCells(
  { cells: kept, epochs }: ToyCellPlace,
  now: () => number,
  call: <A>(verb: string, id: string, step: () => A) => Promise<A>,
  changed: (id: string) => void,
): ToyCells {
  const live = (id: string): Cell | null => {
    const cell = kept.get(id);
    return cell && cell.keepUntil > now() ? cell : null;
  };
  return {
    kept,
    epochs,
    live,
    read: (id) => call('read', id, () => structuredClone(live(id))),
    replace(id, expect, next, fence) {
      const [mark, given] = [expect && Buffer.from(expect), structuredClone(next)];
      return call('replace', id, () => {
        const present = live(id);
        if (present && isSame(present.mark, given.mark)) return { status: 'ok' };
        const epoch = epochs.get(fence?.slot ?? -1) ?? 0;
        if (fence && fence.epoch < epoch) return { status: 'fenced', epoch };
        if (!isSame(present?.mark, mark)) return { status: 'other', cell: structuredClone(present) };
        kept.set(id, given);
        changed(id);
        return { status: 'ok' };
      });
    },
    remove(id, expect) {
      const mark = Buffer.from(expect);
      return call('remove', id, () => {
        const present = live(id);
        if (!present || !isSame(present.mark, mark)) return false;
        kept.delete(id);
        changed(id);
        return true;
      });
    },
    fence: (slots, epoch) =>
      call('fence', '', () => {
        for (const slot of slots) epochs.set(slot, Math.max(epoch, epochs.get(slot) ?? 0));
      }),
    async *byUser(user) {
      for (const [id, cell] of [...kept]) if (cell.user === user) yield id;
    },
    async *ids() {
      yield* [...kept.keys()];
    },
  };
}

export function isSame(one: Uint8Array | null | undefined, two: Uint8Array | null | undefined): boolean {
  return one && two ? Buffer.compare(one, two) === 0 : !one && !two;
}
