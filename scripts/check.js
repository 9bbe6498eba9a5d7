// @ts-check
/**
 * `npm run check`: everything that can be said about the project without running it, one line each.
 *
 *   node scripts/check.js            all of them
 *   node scripts/check.js api tidy   some of them
 *
 * Each check is a program of its own, so that two run at a time (the compiler keeps one core busy) and one that crashes takes no
 * other along. What it prints is shown only if it fails. Those that look at what is published want a build first.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const AT_ONCE = 2;
const MAX_SHOWN = 80;

/**
 * Longest first, so that none is left over at the end. Each is an argument list for Node.
 * @type {Record<string, readonly string[]>}
 */
const checks = {
  types: [
    'node_modules/typescript/bin/tsc',
    '-p',
    'tsconfig.json',
    '--incremental',
    '--tsBuildInfoFile',
    'build/.notes/types.tsbuildinfo',
  ],
  package: ['scripts/package-check.js'],
  snippets: ['scripts/snippets.js'],
  api: ['scripts/api-report.js'],
  stores: ['scripts/store-table.js'],
  unused: ['node_modules/knip/bin/knip.js', '--no-progress'],
  format: ['node_modules/@biomejs/biome/bin/biome', 'check', '.', '--colors=off'],
  tidy: ['scripts/tidy.js'],
};

/**
 * Runs the named checks, or all, and prints a line about each.
 * @param {readonly string[]} [names]
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runChecks(names = []) {
  const unknown = names.filter((name) => !(name in checks));
  if (unknown.length > 0)
    throw new Error(`No check is called ${unknown.join(', ')}. There are: ${Object.keys(checks).join(', ')}`);
  const waiting = names.length > 0 ? [...names] : Object.keys(checks);
  const counts = { passed: 0, failed: 0 };
  const worker = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift())
      counts[(await runCheck(name)) ? 'passed' : 'failed']++;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return counts;
}

/**
 * @param {string} name
 * @returns {Promise<boolean>}
 */
async function runCheck(name) {
  const begun = performance.now();
  const { ok, output } = await run(checks[name] ?? []);
  const took = `${((performance.now() - begun) / 1000).toFixed(1)} s`;
  console.log(`check ${name.padEnd(9)} ${ok ? 'ok' : 'FAILED'}  ${took}`);
  const shown = ok ? notes(output) : beginning(output);
  if (shown) console.log(shown.replace(/^/gm, '    '));
  return ok;
}

/**
 * What a check wants to say although nothing is wrong.
 * @param {string} output
 */
function notes(output) {
  const lines = output.split('\n').filter((line) => line.startsWith('note: '));
  return lines.join('\n');
}

/** @param {string} output */
function beginning(output) {
  const lines = output.trim().split('\n');
  if (lines.length <= MAX_SHOWN) return lines.join('\n');
  return [...lines.slice(0, MAX_SHOWN), `... and ${lines.length - MAX_SHOWN} more lines`].join('\n');
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
function run(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        output += chunk;
      });
    }
    child.once('error', (error) => resolve({ ok: false, output: String(error) }));
    child.once('close', (code) => resolve({ ok: code === 0, output }));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(fileURLToPath(new URL('..', import.meta.url)));
  const { failed } = await runChecks(process.argv.slice(2));
  process.exitCode = failed === 0 ? 0 : 1;
}
