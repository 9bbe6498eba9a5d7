/** A test runner that only collects: it runs what a kit registers and says what failed. For testing the kits themselves. */
import type { Runner } from '../../src/testing/runner.js';

export interface Report {
  readonly passed: readonly string[];
  readonly failed: ReadonlyMap<string, Error>;
}

/** Runs all tests that `register` registers, one after the other. `only`: those whose name contains it. */
export async function collect(register: (runner: Runner) => void, only = ''): Promise<Report> {
  const tests: (readonly [name: string, body: () => unknown])[] = [];
  const path: string[] = [];
  register({
    describe(name, body) {
      path.push(name);
      body();
      path.pop();
    },
    test: (name, body) => void tests.push([[...path.slice(1), name].join(' > '), body]),
  });
  const [passed, failed]: [string[], Map<string, Error>] = [[], new Map()];
  for (const [name, body] of tests.filter(([name]) => name.includes(only))) {
    try {
      await body();
      passed.push(name);
    } catch (error) {
      failed.set(name, error as Error);
    }
  }
  return { passed, failed };
}
