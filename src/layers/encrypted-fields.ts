/**
 * Field values encrypted at rest: `encryptedFields(store, { keys })`. Who reads the store's disk, its backups or its replicas reads no value.
 *
 * Each value is encrypted by itself and bound to its session and its field (encrypted-fields/field-cipher.ts), so requests still write
 * fields beside each other, and a value that was damaged, copied there or made up costs its field alone: it is handed over as bytes
 * that no codec reads, whatever was found, so the engine tells `corrupt` and serves the rest. Heads and the names of fields stay as they are, for
 * stores work with them. Lengths show, and who can write the store can still delete fields, or put back an older value of the same one.
 *
 * Rejected: the whole session as one value (two requests would overwrite each other); an error from `load` for a bad value (one broken
 * field would sign somebody out). Cells are not passed on, for a ring's copies hold values: put the layer around the ring.
 */
import type { Delta, MaybePromise, Outcome, Store, Stored, Write } from '../contract.js';
import { sameBytes } from '../core/delta.js';
import type { KeyOptions } from '../core/key-options.js';
import { type Keyring, keyring } from '../core/keyring.js';
import { chain } from '../core/maybe.js';
import { checked } from '../core/options.js';
import { type Able, type Below, checkedStore, passedOn } from './able.js';
import { FieldCipher } from './encrypted-fields/field-cipher.js';

export type { KeyOptions } from '../core/key-options.js';

/** A store whose field values only this application reads: with all that the store below can do, but cells. */
export type EncryptedFields<S extends Store> = Store & Able<S>;

/** Instead of a value that cannot be decrypted. Begins with a byte that neither UTF-8 nor CBOR can begin with. */
const UNREADABLE: Uint8Array = Buffer.from([0xff, 0xff, 0xff]);

/** While keys are changed, a value may be there by an older key than the one that a swap was tried with. Each try learns all of them. */
const MAX_TRIES = 8;

/**
 * `store`, with field values encrypted by AES-256-GCM. The first key encrypts, all of them decrypt. A new key goes to the end of the list
 * on all servers, then to its front. An old one may go when every session that was written with it has ended.
 * SOJOURN_OPTION for keys that are too short.
 * @example sessions({ store: encryptedFields(redis(client), { keys: [newKey, oldKey] }) })
 */
export function encryptedFields<S extends Store>(store: S, options: KeyOptions): EncryptedFields<S> {
  const below: Below = checkedStore('store of encryptedFields', store);
  const own = checked('encryptedFields', options, ['keys', 'application']);
  const ring = keyring('encryptedFields', own as KeyOptions, 'fields');
  const layer: Below = {
    name: below.name,
    load: (id, atLeast) => chain(below.load(id, atLeast), (stored) => opened(ring, id, stored)),
    create(id, session) {
      const cipher = new FieldCipher(ring, id);
      const fields = [...session.fields].map(([name, value]) => [name, cipher.seal(name, value)] as const);
      return below.create(id, { head: session.head, fields: new Map(fields) });
    },
    commit: (id, delta) => commit(below, new FieldCipher(ring, id), id, delta),
    destroy: (id) => below.destroy(id),
    ...passedOn(below),
    ...(below.byUser && { byUser: (user: string) => below.byUser!(user) }),
    ...(below.list && { list: () => below.list!() }),
    ...(below.watch && { watch: (watcher, everyMs) => below.watch!(watcher, everyMs) }),
    ...(below.listen && { listen: (ended) => below.listen!(ended) }),
    ...(below.stale && {
      get stalenessMs() {
        return below.stalenessMs!;
      },
      stale: (id: string, maxAgeMs: number) => opened(ring, id, below.stale!(id, maxAgeMs)),
    }),
  };
  return layer as EncryptedFields<S>;
}

function opened(ring: Keyring, id: string, stored: Stored | null): Stored | null {
  if (stored === null) return null;
  const cipher = new FieldCipher(ring, id);
  const fields = [...stored.fields].map(([name, sealed]) => [name, readable(cipher, name, sealed)] as const);
  return { head: stored.head, fields: new Map(fields) };
}

function readable(cipher: FieldCipher, name: string, sealed: Uint8Array): Uint8Array {
  return cipher.open(name, sealed) ?? Uint8Array.from(UNREADABLE);
}

type Expected = ReadonlyMap<string, Uint8Array | null>;

function commit(below: Store, cipher: FieldCipher, id: string, delta: Delta): MaybePromise<Outcome> {
  const wanted = new Map<string, Uint8Array | null>();
  for (const [name, write] of delta.fields) if (write.op === 'swap') wanted.set(name, write.expect);
  const sealed = new Map<string, Uint8Array | null>();
  for (const [name, write] of delta.fields) {
    const written = write.op === 'delete' ? null : write.value;
    sealed.set(name, written && cipher.seal(name, written));
  }
  const first = new Map([...wanted].map(([name, value]) => [name, value && cipher.seal(name, value)] as const));
  return attempt(first, MAX_TRIES);

  /** `expected`: the bytes that are thought to be there. They may be others by an older key, with the same value in them. */
  function attempt(expected: Expected, triesLeft: number): MaybePromise<Outcome> {
    return chain(below.commit(id, sealedDelta(delta, sealed, expected)), (outcome) => {
      if (outcome.status !== 'conflict') return outcome;
      const present = outcome.fields;
      const values = new Map(
        [...present].map(([name, bytes]) => [name, bytes && readable(cipher, name, bytes)] as const),
      );
      const holds = [...wanted].every(([name, value]) => sameBytes(values.get(name), value));
      const isKnown = [...expected].every(([name, bytes]) => sameBytes(present.get(name), bytes));
      // The values are those that were expected, in other bytes: once more with these. In the same bytes: it was the secret that lost.
      if (holds && !isKnown && triesLeft > 1) return attempt(present, triesLeft - 1);
      return { status: 'conflict', fields: values };
    });
  }
}

function sealedDelta(delta: Delta, sealed: ReadonlyMap<string, Uint8Array | null>, expected: Expected): Delta {
  const fields = new Map<string, Write>();
  for (const [name, write] of delta.fields) {
    if (write.op === 'delete') fields.set(name, write);
    else if (write.op === 'set') fields.set(name, { op: 'set', value: sealed.get(name)! });
    else fields.set(name, { op: 'swap', expect: expected.get(name) ?? null, value: sealed.get(name) ?? null });
  }
  return { ...delta, fields };
}
