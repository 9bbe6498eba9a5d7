/**
 * A link: a connection of our own to one server, by which we hear of every change to the sessions that went through it.
 *
 * Redis remembers which keys a connection has read, and tells it once when such a key changes (client tracking, default mode). So
 * sessions are read and written on the link itself. A write forgets all readers of the key, the writer too; scripts therefore read
 * the key once more after writing it, and it stays watched without another command (Redis 7.0.15, measured). What comes of own
 * writes is sorted out in ./watch-own.ts.
 *
 * A link lives once. It is opened, it is lost, it is thrown away: what a client library does to reconnect, to resend and to
 * subscribe again is switched off, since a connection that came back unnoticed has missed changes, and listens to none. BCAST
 * mode was rejected (every server hears of every session), as was a RESP client of our own (addresses, passwords, TLS and
 * sentinels are the user's client's business: links are its duplicates). Experiments: docs/decisions/0010-near-cache-links.md.
 */
import type { Argument, Reply } from './door.js';

/** What a link tells. After `lost` nothing more. */
export interface LinkEvents {
  /** The key was changed or is gone, as the server spells it. Null: all keys (FLUSHALL, FLUSHDB). */
  invalidated(key: string | null): void;
  /** Something was published on a channel that this link subscribes. */
  message(channel: string, payload: string): void;
  lost(cause: unknown): void;
}

export interface Link {
  /** `host:port`, for messages. */
  readonly name: string;
  /** True between `open` and `lost`. */
  readonly isUp: boolean;
  /** False when the user's client talks to another server by now: a failover that this link did not notice. */
  readonly isCurrent: boolean;
  /** Connects, chooses the database and turns tracking on. Has no deadline of its own: `close` ends the wait of a caller who has one. */
  open(): Promise<void>;
  /** Replies have the shapes of `Door`. */
  send(args: readonly Argument[]): Promise<Reply>;
  /**
   * Resolves when the link has heard all that there was before the call. Redis writes its messages while the command that changes a
   * key runs, so they precede a pong that was asked for later. `token`: another one each time; the pong must repeat it, or replies
   * have fallen out of step with commands, and the link rejects.
   */
  beat(token: string): Promise<void>;
  subscribe(channel: string): Promise<void>;
  /** Gives it up without a word. Can be called at any time, and again. */
  close(): void;
}

/** Throws unless the pong is the one that was asked for. */
export function checkPong(pong: unknown, token: string): void {
  if (String(pong) !== token) throw new Error('Replies do not belong to their commands.');
}

/** Makes a link that is not open yet. */
export type Dial = (events: LinkEvents) => Link;

/** How links are made for the client that the user handed in. */
export interface Dialing {
  /** The database that the client was configured with. */
  readonly database: number;
  /** One for each server that has keys of its own, as far as the user's client knows now. `database`: where to read and write. */
  dials(database: number): Promise<readonly Dial[]>;
}
