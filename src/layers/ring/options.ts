/**
 * What a ring is told, checked: nodes with a store each, and how many of them must know a session.
 *
 * Names, weights and zones are checked where tables are made (src/ring/nodes.ts); here only what a process needs beside the table.
 * Rejected: addresses, or clients, instead of stores. A ring should not know what its nodes are.
 */
import type { Duration, Environment, Store } from '../../contract.js';
import { environment } from '../../core/environment.js';
import { checked, durationMs, oneOf, show, wholeNumber } from '../../core/options.js';
import { failure } from '../../errors.js';
import type { NodeSpec } from '../../ring/nodes.js';

/** A node: its place in the table, and the store that is reached under its name. */
export interface RingNodeOptions<S extends Store = Store> extends NodeSpec {
  readonly store: S;
}

export interface RingOptions {
  /** How many nodes hold each session, 1 to 5. Two and more only over stores that keep cells. Default 1. */
  readonly copies?: number;
  /**
   * A write that not all of its nodes take. 'degrade': it is acknowledged as long as one does, and the others get it when they are back; until
   * then it has fewer copies. 'strict': it fails with SOJOURN_STORE. Default 'degrade'.
   */
  readonly write?: 'degrade' | 'strict';
  /** How long to wait for one answer of one node, 10 ms to 10 s. Default 50 ms. */
  readonly deadline?: Duration;
  /** Sessions a second, at most, that are copied to a node that lacks them. Default 2000. */
  readonly pace?: number;
  /** How many hints this process leaves for one node. A node that has missed more is filled from all others. Default 50,000. */
  readonly maxHints?: number;
  /** What errors and events call this store. Default 'ring'. */
  readonly name?: string;
  /** Where time and chance come from. */
  readonly environment?: Environment;
}

export interface Checked<S extends Store> {
  readonly specs: readonly NodeSpec[];
  /** By name. */
  readonly stores: ReadonlyMap<string, S>;
  readonly copies: number;
  readonly write: 'degrade' | 'strict';
  readonly deadlineMs: number;
  readonly pace: number;
  readonly maxHints: number;
  readonly name: string;
  readonly environment: Environment;
}

const known = ['copies', 'write', 'deadline', 'pace', 'maxHints', 'name', 'environment'] as const;
const LEAST_DEADLINE_MS = 10;
const MOST_DEADLINE_MS = 10_000;

export function checkedRing<S extends Store>(
  nodes: readonly RingNodeOptions<S>[],
  options: RingOptions | undefined,
): Checked<S> {
  const own = checked('ring', options, known);
  if (!Array.isArray(nodes)) throw wrong('nodes of ring', 'must be an array of { name, store, weight, zone }', nodes);
  const stores = new Map<string, S>();
  const specs = nodes.map((node, i) => {
    const where = `nodes[${i}] of ring`;
    const { store, ...spec } = checked<RingNodeOptions<S>>(where, node, ['name', 'store', 'weight', 'zone']);
    if (typeof store?.load !== 'function') throw wrong(`store of ${where}`, 'must be a store', store);
    stores.set(String(spec.name), store);
    return { ...spec } as NodeSpec;
  });
  const copies = wholeNumber('copies of ring', own.copies ?? 1, 1, 5);
  return {
    specs,
    stores,
    copies,
    write: oneOf('write of ring', own.write ?? 'degrade', ['degrade', 'strict']),
    deadlineMs: bounded(own.deadline ?? 50),
    pace: wholeNumber('pace of ring', own.pace ?? 2000, 1, 10_000_000),
    maxHints: wholeNumber('maxHints of ring', own.maxHints ?? 50_000, 1, 10_000_000),
    name: own.name ?? 'ring',
    environment: own.environment ?? environment,
  };
}

function bounded(deadline: Duration): number {
  const ms = durationMs('deadline of ring', deadline);
  if (ms >= LEAST_DEADLINE_MS && ms <= MOST_DEADLINE_MS) return ms;
  throw wrong('deadline of ring', "must be between '10ms' and '10s'", deadline);
}

export function wrong(option: string, wanted: string, got: unknown): Error {
  return failure('SOJOURN_OPTION', { option, wanted, got: show(got) });
}
