/**
 * Changing the document of a ring: compare-and-set on a majority of its nodes, whoever else tries, and whoever dies in between.
 *
 * Nodes can compare and replace one cell each, so two processes could get half of them each, and nobody would know which half counts. So
 * it goes in two rounds, as in Paxos. First each node promises to take no lower ballot any more, and shows what it has
 * accepted; a majority of these shows whatever may have been agreed on before. Then the change of that is accepted. What a majority has
 * accepted is agreed on, and told to all nodes; only what is told is followed. A change of the nodes themselves needs a majority of
 * those before and of those after. A node that has lost its document has lost its promises, too, and is not counted.
 *
 * Rejected: compare-and-set node by node (split votes), and a lease for who may change it (a process that was stopped goes on
 * when its lease is over).
 */
import type { Cell } from '../../contract.js';
import { controlCell, FOR_EVER, TABLE, textIn } from './control.js';
import {
  type Ballot,
  documentText,
  isBelow,
  latestIn,
  NOTHING,
  type NodeState,
  type RingDocument,
  readState,
  stateText,
} from './document.js';
import type { Node } from './node.js';
import { rest, type Shared, trouble } from './shared.js';

const MOST_TRIES = 12;
/** Others change the same cell of a node: each time that they do, somebody gets on. */
const MOST_CLASHES = 16;
/** Two that disturbed each other wait for different times. */
const LEAST_REST_MS = 5;
const MOST_REST_MS = 60;

/** What follows from the document there is (null: there is none yet). Null: it stays. */
export type DocumentChange = (present: RingDocument | null) => RingDocument | null;

export interface Agreed {
  readonly document: RingDocument;
  /** The change was made. */
  readonly isChanged: boolean;
}

type Promises = ReadonlyMap<Node, NodeState>;

interface Prepared {
  readonly promises: Promises;
  /** A node has promised another one to wait for it. */
  readonly isOutbid: boolean;
  readonly problem: unknown;
}

export class Register {
  readonly #shared: Shared;
  readonly #by: string;
  #highest = 0;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#by = Buffer.from(shared.environment.random(8)).toString('hex');
  }

  async read(node: Node): Promise<NodeState> {
    const cell = await node.ask('read the table', () => node.cells.read(TABLE));
    return cell === null ? NOTHING : readState(textIn(cell));
  }

  /** Changes the document. SOJOURN_STORE where too few nodes answer. `dead`: nodes that count no more. */
  async propose(change: DocumentChange, dead: readonly string[] = []): Promise<Agreed> {
    let own: string | undefined;
    let cause: unknown;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const ballot: Ballot = [++this.#highest, this.#by];
      const { promises, isOutbid, problem } = await this.#prepare(ballot);
      cause = problem ?? cause;
      const present = latestOf(promises);
      if (this.#isHeard(promises, present, dead)) {
        const next = present !== null && documentText(present) === own ? null : change(present);
        const document = next ?? present;
        if (document === null) throw trouble(this.#shared, 'agree on a table', 'there is none');
        const isOwn = next !== null || (own !== undefined && documentText(document) === own);
        if (next !== null) own = documentText(next);
        if (await this.#accept(ballot, promises, present, document, dead)) {
          await this.tell(this.#shared.nodes, document);
          return { document, isChanged: isOwn };
        }
      } else if (problem !== undefined && !isOutbid) break;
      await this.#rest();
    }
    throw trouble(
      this.#shared,
      'agree on a table',
      'a majority of the nodes must take part, and too few answer',
      cause,
    );
  }

  /** Tells nodes of what is agreed on. Never rejects: who was not reached is told when it is seen again (tables.ts). */
  async tell(nodes: readonly Node[], document: RingDocument): Promise<void> {
    await Promise.allSettled(
      nodes.map((node) =>
        this.#update(node, (state) =>
          state.chosen !== null && state.chosen.step >= document.step ? null : { ...state, chosen: document },
        ),
      ),
    );
  }

  /** Says on a node that slots of it are closed for steps before this one. */
  async close(node: Node, step: number): Promise<void> {
    await this.#update(node, (state) => (state.closed >= step ? null : { ...state, closed: step }));
  }

  async #prepare(ballot: Ballot): Promise<Prepared> {
    const promises = new Map<Node, NodeState>();
    let isOutbid = false;
    let problem: unknown;
    const ask = async (node: Node): Promise<void> => {
      let isGiven = false;
      const before = await this.#update(node, (state) => {
        isGiven = isBelow(state.promised, ballot);
        return isGiven ? { ...state, promised: ballot } : null;
      });
      this.#highest = Math.max(this.#highest, before.promised[0]);
      if (isGiven) promises.set(node, before);
      else isOutbid = true;
    };
    const asked = await Promise.allSettled(this.#shared.nodes.map(ask));
    for (const one of asked) if (one.status === 'rejected') problem = one.reason;
    return { promises, isOutbid, problem };
  }

  /** Whether nothing can have been agreed on that these do not know. */
  #isHeard(promises: Promises, present: RingDocument | null, dead: readonly string[]): boolean {
    if (promises.size === this.#shared.nodes.length) return true;
    if (present === null) return false;
    const counted = [...promises].filter(([, state]) => latestIn(state) !== null).map(([{ name }]) => name);
    return isMajority(present, counted, dead);
  }

  async #accept(
    ballot: Ballot,
    promises: Promises,
    present: RingDocument | null,
    document: RingDocument,
    dead: readonly string[],
  ): Promise<boolean> {
    const accepted: string[] = [];
    const ask = async (node: Node): Promise<void> => {
      let isTaken = false;
      await this.#update(node, (state) => {
        isTaken = !isBelow(ballot, state.promised);
        return isTaken ? { ...state, promised: ballot, accepted: { ballot, document } } : null;
      });
      if (isTaken) accepted.push(node.name);
    };
    await Promise.allSettled([...promises.keys()].map(ask));
    const isEnough = isMajority(document, accepted, dead);
    return isEnough && (present === null || isMajority(present, accepted, dead));
  }

  /** Returns what was there before. */
  async #update(node: Node, change: (state: NodeState) => NodeState | null): Promise<NodeState> {
    let cell: Cell | null = await node.ask('read the table', () => node.cells.read(TABLE));
    for (let clashes = 0; clashes < MOST_CLASHES; clashes++) {
      const state = cell === null ? NOTHING : readState(textIn(cell));
      const next = change(state);
      if (next === null) return state;
      const written = controlCell(this.#shared.environment.random, stateText(next), FOR_EVER);
      const expect: Uint8Array | null = cell?.mark ?? null;
      const answer = await node.ask('write the table', () => node.cells.replace(TABLE, expect, written));
      if (answer.status === 'ok') return state;
      cell = answer.status === 'other' ? answer.cell : null;
    }
    throw trouble(this.#shared, 'agree on a table', `others changed it ${MOST_CLASHES} times in a row`);
  }

  #rest(): Promise<void> {
    const part = this.#shared.environment.random(1)[0]! / 255;
    return rest(this.#shared.environment, LEAST_REST_MS + part * (MOST_REST_MS - LEAST_REST_MS));
  }
}

/** What may have been agreed on: the highest ballot's, unless something later is known to be. */
function latestOf(promises: Promises): RingDocument | null {
  let voted: NodeState['accepted'] = null;
  let chosen: RingDocument | null = null;
  for (const state of promises.values()) {
    if (state.accepted !== null && (voted === null || isBelow(voted.ballot, state.accepted.ballot)))
      voted = state.accepted;
    if (state.chosen !== null && (chosen === null || state.chosen.step > chosen.step)) chosen = state.chosen;
  }
  return latestIn({ ...NOTHING, accepted: voted, chosen });
}

function isMajority({ nodes, dead }: RingDocument, names: readonly string[], alsoDead: readonly string[]): boolean {
  const counted = nodes.filter((name) => !dead.includes(name) && !alsoDead.includes(name));
  const present = counted.filter((name) => names.includes(name));
  return present.length * 2 > counted.length;
}
