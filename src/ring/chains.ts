/**
 * Copies that move in chains: a node with too many hands on to another, which hands on to a third, until one with too few is
 * reached.
 *
 * The shortest chain is found node by node. Along it many slots go at once, an eighth of what is wanted each time: one by one
 * took seconds where a change of zones and copies together needs thousands, all at once would take them from the same pairs.
 */

/** A slot that could take part, and what the pairs gain by it. */
export interface Candidate {
  readonly slot: number;
  readonly gain: number;
}

const PART = 8;

/** How many of `wanted` go along one chain before the next one is looked for. */
export function atOnce(wanted: number): number {
  return Math.ceil(wanted / PART);
}

/** The `count` candidates that gain most; of equals, those that come first. */
export function bestOf(candidates: readonly Candidate[], count: number): Candidate[] {
  return candidates.toSorted((a, b) => b.gain - a.gain).slice(0, count);
}

/** The nodes from the beginning of a search to `end`: `from` names the one before each, and itself for a beginning. */
export function chainTo(end: number, from: Int16Array): number[] {
  const chain = [end];
  for (let node = end; from[node] !== node; node = from[node]!) chain.unshift(from[node]!);
  return chain;
}
