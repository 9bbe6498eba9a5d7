/**
 * The order in which a planner looks at the slots: mixed, and another one for each epoch.
 *
 * Slots in the order of their numbers, or in the same order each time, would have the first ones moved by every change: they
 * would collect the newest nodes, and these would become each other's partners. The mixer is murmur3's last step, a bijection
 * on 32 bits, so no two slots are ever equal and nothing depends on how an engine sorts.
 */
import { SLOTS } from './nodes.js';

export function slotOrder(epoch: number): Uint16Array {
  const salt = Math.imul(epoch, 0x9e3779b1);
  const ranks = Float64Array.from({ length: SLOTS }, (_, slot) => mixed(slot ^ salt) * SLOTS + slot).sort();
  return Uint16Array.from(ranks, (rank) => rank % SLOTS);
}

/** 32 bits to 32 bits, one to one. */
function mixed(bits: number): number {
  let x = bits >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
