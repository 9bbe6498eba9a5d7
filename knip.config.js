/**
 * Knip: files, exports and dependencies that nothing uses. Its starting points are the public names of package.json (their
 * sources), and every program that is run rather than imported.
 */
import manifest from './package.json' with { type: 'json' };

const publicSources = Object.values(manifest.exports)
  .concat(Object.values(manifest.bin).map((target) => `./${target}`))
  .filter((target) => target.startsWith('./dist/'))
  .map((target) => target.replace('./dist/', 'src/').replace(/\.js$/, '.ts'));

export default {
  entry: [
    ...publicSources.map((source) => `${source}!`),
    'scripts/{build,test,matrix,mutation,check,package-check,api-report,snippets,store-table,tidy}.js',
    'scripts/mutation/*.js',
    'src/stores/*/facts.ts',
    'examples/**/*.ts',
    'bench/**/*.ts',
    'test/programs/**/*.ts',
    '**/*.test-d.ts',
    'test/types/consumers/*',
  ],
  project: ['{src,test,examples,bench,scripts}/**/*.{ts,js}', '!examples/*/web/**'],
  ignoreExportsUsedInFile: true,
  // Run by path from scripts/package-check.js; loaded with require, without its types, by bench/ring.ts.
  ignoreDependencies: ['@arethetypeswrong/cli', 'hashring', 'publint'],
  ignoreBinaries: ['apt-get', 'mariadb-install-db', 'mount', 'redis-cli', 'umount'],
};
