/**
 * Where sessions live, chosen by one line of configuration: SESSIONS=<kind>:<where>. Nothing else in the example knows.
 */
import { lmdb } from 'sojourn/lmdb';
import type { CinemaStore } from './session.js';

export interface Place {
  readonly store: CinemaStore;
  /** For people: "LMDB in ./data/sessions". */
  readonly words: string;
}

const kinds: Readonly<Record<string, (where: string) => Place>> = {
  lmdb: (path) => ({ store: lmdb(path), words: `LMDB in ${path}` }),
};

/** `lmdb:./data/sessions`, or just a path. Throws an error that names what is known. */
export function openStore(address: string): Place {
  const [, kind = 'lmdb', where = ''] = /^(?:([a-z][a-z0-9+-]+):)?(.*)$/s.exec(address) ?? [];
  const open = kinds[kind];
  if (!open || where === '') {
    throw new Error(`SESSIONS=${address}: wanted <kind>:<where>. Known kinds: ${Object.keys(kinds).join(', ')}.`);
  }
  return open(where);
}
