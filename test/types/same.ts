/**
 * Exact equality of two types, for the tests beside it: `same<Left, Right>(true)` compiles only if they are the same.
 *
 * Assignability would not do: `any` is assignable to everything, and `never` to everything too. Two conditional types are
 * identical only if the types inside them are, `any`, `readonly` and `?` included. Vitest's `expectTypeOf` was rejected: these
 * files are only compiled, never run, and the compiler alone has to fail.
 */
export declare function same<Left, Right>(verdict: Same<Left, Right>): void;

type Same<Left, Right> = (<T>() => T extends Left ? 1 : 2) extends <T>() => T extends Right ? 1 : 2 ? true : false;
