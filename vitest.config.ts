/**
 * How the tests run.
 *
 * Tests in this process import 'sojourn' as users do and get the source, without a build; programs that tests start beside
 * themselves run compiled from build/. Processes rather than threads: signals, native modules and process-wide hooks behave
 * in them as they do in a server, and what one file leaves behind dies with it. The summary reporter prints why tests were skipped.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import manifest from './package.json' with { type: 'json' };
import { Summary } from './scripts/summary.js';

const source = (dist: string) =>
  fileURLToPath(new URL(dist.replace('./dist/', './src/').replace(/\.js$/, '.ts'), import.meta.url));

const alias = Object.entries(manifest.exports)
  .filter(([, target]) => target.startsWith('./dist/'))
  .map(([subpath, target]) => ({ find: new RegExp(`^sojourn${subpath.slice(1)}$`), replacement: source(target) }));

export default defineConfig({
  resolve: { alias },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    exclude: ['node_modules/**', 'build/**', 'dist/**'],
    reporters: ['default', new Summary(process.env.SOJOURN_COUNTS)],
    pool: 'forks',
    // One more than the two cores of a small machine: much of the time is waiting for servers.
    maxWorkers: 3,
    // Tests in one file that mostly wait for a server of their own run side by side; those that work do not.
    maxConcurrency: 4,
    // Bounds for a hang. Nothing is measured by them: a loaded machine may take ten times its usual time.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
});
