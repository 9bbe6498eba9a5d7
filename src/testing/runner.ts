/**
 * The little that the kits need of a test runner: groups and tests.
 *
 * vitest, node:test and jest all fit as they are, so the author of a store or codec keeps the runner that the project
 * already has. The kits assert with node:assert: no `expect` is asked for, because there the runners differ.
 *
 * @example
 * import { describe, test } from 'node:test';
 * codecKit({ describe, test }, json());
 */
export interface Runner {
  /** Names a group. `body` registers the group's tests before it returns. */
  describe(name: string, body: () => void): void;
  /** Registers one test. It fails when `body` throws, or when the promise that it returns is rejected. */
  test(name: string, body: () => void | Promise<void>): void;
}
