/**
 * The nodes of a ring as placement sees them: a name, a weight, a zone. Never an address: a server may move to another one, and
 * no session has to move for that.
 *
 * A list of nodes is a set: it is put into the order of names at once, so that two processes whose configuration names the
 * same nodes in another order compute the same bytes. Names are plain ASCII, which every language sorts and escapes alike.
 *
 * Rejected: positions as identity (swap two lines of a configuration, and all data is elsewhere), names in any script (Python
 * sorts by code point, JavaScript by UTF-16 unit), zones for some nodes only (what would the others be distinct from?).
 */
import { failure } from '../errors.js';

/** A node as the user lists it. Weight 0 drains: it stays in the list, and keeps nothing. */
export interface NodeSpec {
  readonly name: string;
  /** A whole number from 0 to 1,000,000; shares are in proportion. Default 1. */
  readonly weight?: number;
  /** What fails together (a rack, a data centre). For all nodes, or for none. */
  readonly zone?: string;
}

/** A node as the table records it. */
export interface RingNode {
  readonly name: string;
  readonly state: 'active' | 'draining';
  readonly weight: number;
  readonly zone: string | null;
}

/** 16384 slots, in every ring and for ever: the number of Redis Cluster, and one slot is 0.06 % of a node's share at ten nodes. */
export const SLOTS = 16384;
/** The owner of a copy takes one byte. */
export const MAX_NODES = 256;
export const MAX_WEIGHT = 1_000_000;
export const MAX_COPIES = 5;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;

/** The nodes in the order of their names; SOJOURN_OPTION for a list that no ring can be made of. */
export function checkedNodes(specs: readonly NodeSpec[]): readonly RingNode[] {
  if (!Array.isArray(specs)) throw wrong('nodes of the ring', 'must be an array of { name, weight, zone }');
  const nodes = specs.map(checkedNode).sort((a, b) => (a.name < b.name ? -1 : 1));
  const problem = nodesProblem(nodes);
  if (problem !== undefined) throw wrong('nodes of the ring', problem);
  return nodes;
}

/** What is wrong with nodes that are well-formed one by one, or undefined. Also the rule for tables that are read back. */
export function nodesProblem(nodes: readonly RingNode[]): string | undefined {
  const twin = nodes.find((node, n) => nodes[n + 1]?.name === node.name);
  const zoned = nodes.filter(({ zone }) => zone !== null).length;
  if (twin) return `must have distinct names, but ${twin.name} is there twice`;
  if (nodes.length > MAX_NODES) return `must not be more than ${MAX_NODES}, but there are ${nodes.length}`;
  if (!nodes.some(({ weight }) => weight > 0)) return 'must have at least one node whose weight is not 0';
  if (zoned > 0 && zoned < nodes.length) {
    const without = nodes.find(({ zone }) => zone === null)?.name;
    return `must have a zone each, or none at all, but ${without} has none`;
  }
  return undefined;
}

/** The copies that somebody asked for; SOJOURN_OPTION unless it is a number that a ring can keep. */
export function checkedCopies(copies: unknown): number {
  if (!isWhole(copies, 1, MAX_COPIES))
    throw wrong('copies of the ring', `must be a whole number from 1 to ${MAX_COPIES}`);
  return copies;
}

export function isName(text: unknown): text is string {
  return typeof text === 'string' && NAME.test(text);
}

export function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function checkedNode(spec: NodeSpec, index: number): RingNode {
  const where = `nodes[${index}] of the ring`;
  if (typeof spec !== 'object' || spec === null) throw wrong(where, 'must be an object { name, weight, zone }');
  const { name, weight = 1, zone = null } = spec;
  const letters = "must be 1 to 64 of A-Z a-z 0-9 . _ : - and begin with a letter or a digit, like 'redis-1'";
  if (!isName(name)) throw wrong(`name of ${where}`, letters);
  if (zone !== null && !isName(zone)) throw wrong(`zone of node ${name}`, letters);
  if (!isWhole(weight, 0, MAX_WEIGHT)) {
    throw wrong(`weight of node ${name}`, `must be a whole number from 0 (drain) to ${MAX_WEIGHT}`);
  }
  return Object.freeze({ name, state: stateOf(weight), weight, zone });
}

export function stateOf(weight: number): RingNode['state'] {
  return weight === 0 ? 'draining' : 'active';
}

function wrong(option: string, wanted: string): Error {
  return failure('SOJOURN_OPTION', { option, wanted });
}
