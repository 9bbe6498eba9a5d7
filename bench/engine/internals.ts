/**
 * The parts of a token have no public name, and need none but here. They are imported from what is built, so that they are
 * the very code that the rest of the benchmark runs.
 */

export interface TokenParts {
  split(token: string): { readonly id: string; readonly secret: string } | null;
  hashSecret(secret: string): Uint8Array;
  sameSecret(secret: string, hashed: Uint8Array): boolean;
}

export async function tokenParts(): Promise<TokenParts> {
  const built = new URL('core/token.js', import.meta.resolve('sojourn'));
  return (await import(built.href)) as TokenParts;
}
