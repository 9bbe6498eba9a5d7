/**
 * The document of a ring: which table is in force, which one is being left, and which one comes next. It lies on every node.
 *
 * Every change of it is one step further, and the step is what writes show at a fence. Tables themselves are long, and lie
 * beside it under their fingerprints, where they never change; so the document is short, and can be read twice a second.
 *
 *   stable      table                  announced   table, next          moving   table (the new one), leaving (the old one)
 *
 * Beside it a node keeps what it has promised and accepted (register.ts), and until which step its moving slots are closed.
 */
import { failure } from '../../errors.js';

export interface RingDocument {
  /** Goes up by one with each change. */
  readonly step: number;
  /** The fingerprint of the table in force. While sessions move: of the one they move to. */
  readonly table: string;
  /** While sessions move: of the table they come from. */
  readonly leaving: string | null;
  /** Announced: of the table that they will move to. */
  readonly next: string | null;
  /** All nodes of the tables above, in the order of their names: of these a majority decides. */
  readonly nodes: readonly string[];
  /** Nodes that were away when their slots were closed. */
  readonly unfenced: readonly string[];
  /** Nodes that somebody has given up. */
  readonly dead: readonly string[];
  readonly isPaused: boolean;
  /** When the sessions have moved, they are to go back. */
  readonly isBack: boolean;
}

/** Of two that propose at a time, the higher one wins: by number, then by the name of who proposes. */
export type Ballot = readonly [number: number, by: string];

/** What lies on a node. */
export interface NodeState {
  /** It takes part in no ballot below this one. */
  readonly promised: Ballot;
  readonly accepted: { readonly ballot: Ballot; readonly document: RingDocument } | null;
  /** The last document that is known to be agreed on. */
  readonly chosen: RingDocument | null;
  /** Slots that move are closed here for steps before this one: what is read from them may be old by the time it is used. */
  readonly closed: number;
}

export const NOTHING: NodeState = Object.freeze({
  promised: [0, ''] as const,
  accepted: null,
  chosen: null,
  closed: 0,
});

export function isBelow([n, by]: Ballot, [m, other]: Ballot): boolean {
  return n < m || (n === m && by < other);
}

/** Later of the two that a node knows. */
export function latestIn({ accepted, chosen }: NodeState): RingDocument | null {
  if (accepted === null || chosen === null) return accepted?.document ?? chosen;
  return accepted.document.step > chosen.step ? accepted.document : chosen;
}

/** The one spelling of a document. */
export function documentText(document: RingDocument): string {
  const { dead, isBack, isPaused, leaving, next, nodes, step, table, unfenced } = document;
  return JSON.stringify({ dead, isBack, isPaused, leaving, next, nodes, step, table, unfenced });
}

export function stateText({ accepted, chosen, closed, promised }: NodeState): string {
  return JSON.stringify({ accepted, chosen, closed, promised });
}

/** SOJOURN_CORRUPT for what no ring has written. */
export function readState(text: string): NodeState {
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch {
    throw damaged();
  }
  if (!isState(state)) throw damaged();
  return state;
}

function isState(value: unknown): value is NodeState {
  if (!isRecord(value) || !isBallot(value.promised) || !isStep(value.closed)) return false;
  const { accepted, chosen } = value;
  if (accepted !== null && !(isRecord(accepted) && isBallot(accepted.ballot) && isDocument(accepted.document)))
    return false;
  return chosen === null || isDocument(chosen);
}

function isDocument(value: unknown): value is RingDocument {
  if (!isRecord(value)) return false;
  const { dead, isBack, isPaused, leaving, next, nodes, step, table, unfenced } = value;
  const texts = [nodes, unfenced, dead].every(
    (list) => Array.isArray(list) && list.every((name) => typeof name === 'string'),
  );
  const tables = [leaving, next].every((name) => name === null || typeof name === 'string');
  return (
    texts &&
    tables &&
    isStep(step) &&
    typeof table === 'string' &&
    typeof isPaused === 'boolean' &&
    typeof isBack === 'boolean'
  );
}

function isBallot(value: unknown): boolean {
  return Array.isArray(value) && isStep(value[0]) && typeof value[1] === 'string';
}

function isStep(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function damaged(): Error {
  const problem = 'it is not as a ring writes it; a newer sojourn may have, so update this one';
  return failure('SOJOURN_CORRUPT', { what: 'The document of the ring', problem });
}
