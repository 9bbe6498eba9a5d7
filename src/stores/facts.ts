/**
 * What a store says of itself, for the table in the README: `node scripts/store-table.js --write` puts it there.
 *
 * Each store has its facts beside its code, so that who changes the one sees the other. What can be checked is: a test holds `can`
 * against the store itself.
 */

export interface StoreFacts {
  readonly name: string;
  /** What must be there for it to work. */
  readonly needs: string;
  /** Who sees the same sessions. */
  readonly sharedBy: string;
  /** Its abilities, by the names of the contract. */
  readonly can: readonly ('byUser' | 'list' | 'sweep' | 'watch' | 'listen' | 'cells')[];
  /** How often a network is crossed to open a session, and to save one that has changed. */
  readonly trips: { readonly open: number; readonly save: number };
  /** Which primitive makes a commit one step for everybody. */
  readonly atomicBy: string;
  /** Of what was acknowledged. */
  readonly loses: { readonly crash: string; readonly powerCut: string };
}
