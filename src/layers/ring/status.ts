/**
 * How a resize stands: what an operator watches, put together from what lies on the nodes.
 *
 * Whoever moves sessions writes down how far it has come once a second, every server what it knows, and both end by themselves. So
 * any process can ask, whether or not it takes part.
 */

export interface ResizeOptions {
  /**
   * Nodes that will never come back, by name. They are not waited for, not counted where a majority is needed, and what only they
   * had is given up. With two nodes of which one has died there is no majority without this. Never name a node that
   * others can still reach: they would go on writing to it, and the ring would fall in two.
   */
  readonly dead?: readonly string[];
}

/**
 * 'stable': nothing is going on. 'announced': every server is being told of the next table; sessions are where they were.
 * 'moving': the next table is in force, and sessions are carried over.
 */
export type ResizePhase = 'stable' | 'announced' | 'moving';

export interface ResizeStatus {
  /** Grows by one with every change of what the nodes have agreed on. */
  readonly step: number;
  readonly phase: ResizePhase;
  readonly isPaused: boolean;
  /** The move is to be taken back: once it is done, all that can goes back. */
  readonly isBack: boolean;
  /** The table in force. While sessions move: the one they move to. */
  readonly epoch: number;
  readonly fingerprint: string;
  /** The table that is announced. */
  readonly next?: { readonly epoch: number; readonly fingerprint: string };
  /** Nodes that were away when their slots were closed. They are closed and filled before they are believed. */
  readonly unfenced: readonly string[];
  readonly servers: readonly RingServer[];
  /** Present while somebody carries sessions over. */
  readonly move?: MoveProgress;
  /** Nodes that could not be asked for this. */
  readonly silent: readonly string[];
}

/** A process that has this ring open, as it said within the last seconds. */
export interface RingServer {
  readonly id: string;
  readonly step: number;
  /** The nodes in its list. */
  readonly nodes: readonly string[];
  /** Sessions that were met before they were carried over, and so were fetched at once. */
  readonly pulled: number;
  /** Writes that were refused because a newer table was in force, and then were done by that one. */
  readonly refused: number;
}

export interface MoveProgress {
  /** The server that carries. */
  readonly by: string;
  /** Slots that have other owners, and those of them of which nothing is left where it was. */
  readonly slots: number;
  readonly slotsDone: number;
  /** Sessions that were to be carried when it was counted, and those that have been since. Another server that takes over counts anew. */
  readonly sessions: number;
  readonly sessionsDone: number;
  readonly bytesDone: number;
  /** Sessions a second, lately. 0 before there is a figure. */
  readonly perSecond: number;
  /** Of what is left, at that rate. Absent before there is a figure. */
  readonly leftMs?: number;
  /** The 99th percentile of what nodes need for an answer, as the server that carries sees it; it goes slower when this rises. */
  readonly slowMs: number;
}
