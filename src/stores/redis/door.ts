/**
 * How this store talks to Redis, whatever client the user has: raw commands in, plain values out.
 *
 * node-redis, ioredis and iovalkey differ in names, in what they make of replies and in how a cluster is asked; a `Door` hides
 * that and nothing else. Replies are kept to what RESP2 can say, since client majors disagree on maps: bulk strings are Buffers,
 * integers are numbers, arrays are arrays, nil is null.
 */

export type Argument = string | Buffer;
export type Reply = Buffer | number | null | readonly Reply[];

/** One server, or one master of a cluster. */
export interface Node {
  /** `host:port`, for messages. */
  readonly name: string;
  /** A Redis error is an Error whose message begins with its code: `NOSCRIPT ...`, `OOM ...`. */
  send(args: readonly Argument[]): Promise<Reply>;
}

export interface Door {
  /** What the user handed in: 'node-redis', or 'ioredis' (which iovalkey, its fork, counts as). */
  readonly client: string;
  /** True when keys live on several servers: then a script may touch the keys of one slot only. */
  readonly isCluster: boolean;
  /** Sends a command to the server that has this key. */
  send(key: string, args: readonly Argument[]): Promise<Reply>;
  /** Every server that has keys of its own, as of now: one, or all masters of a cluster. For SCAN, CONFIG, SCRIPT LOAD. */
  masters(): Promise<readonly Node[]>;
  /**
   * Throws away connections on which nothing is answered, or answers have lost their order, and makes new ones. What is under way on them
   * fails, or is sent again, as the client does it. Does nothing while new ones are being made, or when the client was closed.
   */
  renew(): void;
}
