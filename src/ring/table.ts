/**
 * The table: which nodes own each slot, in which epoch. A document that lives on every node, and of which there is one spelling.
 *
 * It is JSON with sorted keys and without spaces; the owners are base64url of one byte each, the number of a node in `nodes`,
 * slot after slot, the home first (44 KB for two copies). SHA-256 over the text is the fingerprint: two processes with the same
 * fingerprint agree on the place of every session. Whatever is not that one spelling is refused, so nobody can follow a table
 * that another process reads in another way. Addresses have no place in it: they are configuration, names are placement.
 *
 * Rejected: a list of owners per slot in clear (ten times the size), deflate (its bytes differ between versions of zlib),
 * reading leniently (a table is written by programs; a different spelling is damage, or somebody's edit).
 */
import { hash } from 'node:crypto';
import { failure } from '../errors.js';
import { isName, isWhole, MAX_COPIES, MAX_WEIGHT, nodesProblem, type RingNode, SLOTS, stateOf } from './nodes.js';
import type { Owners } from './plan.js';
import type { Routing } from './slot.js';

/** Goes up when an older process could not follow the table any more. */
export const FORMAT = 1;
/** The largest table, of 256 nodes with long names and five copies, takes a sixth of it. */
const MOST_CHARACTERS = 1024 * 1024;

export interface RingTable {
  /** Goes up by one with each change. The first table has 1. */
  readonly epoch: number;
  /** The copies asked for. `owners.width` of them are there: fewer where there are not so many nodes. */
  readonly copies: number;
  readonly routing: Routing;
  /** In the order of names. */
  readonly nodes: readonly RingNode[];
  readonly owners: Owners;
}

/** The one spelling of a table. */
export function tableText(table: RingTable): string {
  const { copies, epoch, nodes, owners, routing } = table;
  return JSON.stringify({
    copies,
    epoch,
    format: FORMAT,
    nodes: nodes.map(({ name, state, weight, zone }) => ({ name, state, weight, zone })),
    owners: Buffer.from(owners.entries).toString('base64url'),
    routing,
    slots: SLOTS,
  });
}

/** SHA-256 of the text, in hex. */
export function fingerprint(table: RingTable): string {
  return hash('sha256', tableText(table), 'hex');
}

/** The table of a text that `tableText` has written; SOJOURN_CORRUPT, with what to do, for any other text. */
export function readTable(text: string): RingTable {
  const document = parsed(text);
  const problem = shapeProblem(document);
  if (problem !== undefined) throw damaged(problem);
  const { copies, epoch, nodes, owners, routing } = document as unknown as Document;
  const entries = new Uint8Array(Buffer.from(owners, 'base64url'));
  const width = Math.min(copies, nodes.filter(({ weight }) => weight > 0).length);
  const table = {
    copies,
    epoch,
    nodes: nodes.map((node) => Object.freeze({ ...node })),
    owners: { width, entries },
    routing,
  };
  const wrong = ownersProblem(table);
  if (wrong !== undefined) throw damaged(wrong);
  if (tableText(table) !== text) throw damaged('it is not in its one spelling (sorted keys, no spaces, nothing twice)');
  return table;
}

interface Document {
  readonly copies: number;
  readonly epoch: number;
  readonly nodes: readonly RingNode[];
  readonly owners: string;
  readonly routing: Routing;
}

function parsed(text: unknown): Record<string, unknown> {
  if (typeof text !== 'string') throw damaged('it is not a text');
  if (text.length > MOST_CHARACTERS) throw damaged(`it is longer than any table (${MOST_CHARACTERS} characters)`);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw damaged('it is not JSON');
  }
  if (!isRecord(document)) throw damaged('it is not a JSON object');
  return document;
}

function shapeProblem(document: Record<string, unknown>): string | undefined {
  const { copies, epoch, format, nodes, owners, routing, slots } = document;
  if (format !== FORMAT) return `its format is not ${FORMAT}: a newer sojourn may have written it, so update this one`;
  if (slots !== SLOTS) return `it does not have ${SLOTS} slots`;
  if (routing !== 'id-bits' && routing !== 'sha256') return 'its routing is neither id-bits nor sha256';
  if (!isWhole(epoch, 1, Number.MAX_SAFE_INTEGER)) return 'its epoch is not a whole number from 1';
  if (!isWhole(copies, 1, MAX_COPIES)) return `its copies are not a whole number from 1 to ${MAX_COPIES}`;
  if (typeof owners !== 'string') return 'its owners are not a text';
  if (!Array.isArray(nodes) || !nodes.every(isNode)) return 'its nodes are not { name, state, weight, zone } each';
  if (nodes.some((node, n) => n > 0 && (nodes[n - 1]?.name ?? '') > node.name))
    return 'its nodes are not in the order of names';
  const problem = nodesProblem(nodes);
  return problem === undefined ? undefined : `its nodes ${problem}`;
}

function isNode(node: unknown): node is RingNode {
  return (
    isRecord(node) &&
    isName(node.name) &&
    isWhole(node.weight, 0, MAX_WEIGHT) &&
    node.state === stateOf(node.weight) &&
    (node.zone === null || isName(node.zone))
  );
}

function ownersProblem({ nodes, owners: { width, entries } }: RingTable): string | undefined {
  if (entries.length !== SLOTS * width) return `its owners are not ${width} for each of ${SLOTS} slots`;
  const mayOwn = nodes.map(({ weight }) => weight > 0);
  for (let begin = 0; begin < entries.length; begin += width) {
    for (let k = 0; k < width; k++) {
      const node = entries[begin + k]!;
      if (!mayOwn[node]) return `slot ${begin / width} has an owner that is not among the active nodes`;
      if (entries.subarray(begin, begin + k).includes(node)) return `slot ${begin / width} has one owner twice`;
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function damaged(problem: string): Error {
  return failure('SOJOURN_CORRUPT', {
    what: 'The table of the ring',
    problem: `${problem}. Use the table of another node with the highest epoch; only if there is none, make a new one from the list of nodes`,
  });
}
