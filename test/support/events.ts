/**
 * The names of all events, for tests that listen to everything. A record rather than a list, because the compiler then
 * complains when an event is added to the contract and not here.
 */
import type { Events } from 'sojourn';

const all: Readonly<Record<keyof Events, true>> = {
  created: true,
  committed: true,
  rotated: true,
  destroyed: true,
  expired: true,
  gone: true,
  conflict: true,
  refused: true,
  corrupt: true,
  storeError: true,
  storeDown: true,
  storeUp: true,
};

export const EVENTS = Object.keys(all) as readonly (keyof Events)[];
