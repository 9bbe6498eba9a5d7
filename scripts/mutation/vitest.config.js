// @ts-check
/**
 * How tests run when they judge mutants: only the judges, the file's own test first, then in their order; always with the same chance, and so patiently that a
 * busy machine is never taken for a mutant that was noticed.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import project from '../../vitest.config.js';

/** @type {string[]} */
const judges = JSON.parse(process.env.SOJOURN_JUDGES ?? '[]');

class AsListed {
  /** @param {readonly import('vitest/node').TestSpecification[]} files */
  async sort(files) {
    const own = (process.env.SOJOURN_MUTATED ?? '').replace(/\.ts$/, '.test.ts');
    const place = (/** @type {string} */ path) =>
      path === own ? -1 : judges.findIndex((judge) => path.endsWith(judge));
    return [...files].sort((a, b) => place(a.moduleId) - place(b.moduleId));
  }

  /** @param {readonly import('vitest/node').TestSpecification[]} files */
  async shard(files) {
    return [...files];
  }
}

export default defineConfig({
  ...project,
  test: {
    ...project.test,
    include: judges,
    reporters: [],
    setupFiles: [fileURLToPath(new URL('same-chance.js', import.meta.url))],
    sequence: { sequencer: AsListed },
    testTimeout: 90_000,
    hookTimeout: 90_000,
  },
});
