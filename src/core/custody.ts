/**
 * In whose charge sessions are: a store holds them (held.ts), or they travel sealed in their tokens (sealed.ts).
 *
 * The path of a request is the same for both, and so are the rules about fields, logins and lifetimes. What differs stands
 * behind these verbs: what a token opens, what becomes of changes, and who can end a session that is not at hand.
 */
import type { Environment, Head, HeaderLine, MaybePromise, OpenOptions, Transport } from '../contract.js';
import type { Emitter } from './events.js';
import type { Lifetimes } from './expiry.js';
import type { Found } from './find.js';
import type { Mutations } from './intent.js';
import type { Keep } from './keep.js';
import type { Arrival, Standing } from './session.js';

/** What both kinds are given. */
export interface CustodySettings {
  readonly transport: Transport;
  readonly lifetimes: Lifetimes;
  readonly mutations: Mutations;
  readonly environment: Environment;
  readonly events: Emitter;
}

export interface Custody {
  /** A session's token is the session: nothing but its deadline takes that back. */
  readonly isSealed: boolean;
  find(tokens: readonly string[], arrival: Arrival, choice: OpenOptions | undefined): MaybePromise<Found>;
  readonly keep: Keep;
  /** The header lines of an answer. */
  lines(standing: Standing, status: number): readonly HeaderLine[];
  destroy(id: string): Promise<void>;
  of(user: string): AsyncIterable<readonly [id: string, head: Head]>;
  revoke(user: string, options?: { readonly except?: string }): Promise<number | undefined>;
  ready(): Promise<boolean>;
  /** Somebody wants to know of sessions that end elsewhere. */
  hear(): void;
  describe(): object;
  close(): Promise<void>;
}
