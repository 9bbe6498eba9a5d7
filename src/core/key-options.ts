/**
 * The keys that users hand to a sealer, or to a layer that encrypts.
 *
 * In a file of its own, without anything of Node's: applications that compile without Node's types read this declaration. What
 * becomes of the keys stands in keyring.ts.
 */
export interface KeyOptions {
  /**
   * Newest first: the first one seals, all of them open. Text or bytes, 32 or more, out of a random generator
   * (`openssl rand -base64 32`). A key may go when all that it has sealed has expired.
   */
  readonly keys: readonly (string | Uint8Array)[];
  /** Tells two applications apart that share keys: neither opens the other's sessions. Default: none. */
  readonly application?: string;
}
