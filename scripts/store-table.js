// @ts-check
/**
 * The table of stores in the README, from what each store says of itself (src/stores/<name>/facts.ts).
 *
 *   node scripts/store-table.js           compares, and says what to do
 *   node scripts/store-table.js --write   writes it
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const README = 'README.md';
const BEGIN = '<!-- stores: written by scripts/store-table.js -->';
const END = '<!-- end of stores -->';
/** From the simplest to the most demanding. One that is not named here stands at the end. */
const ORDER = ['memory', 'lmdb', 'file', 'redis', 'sql', 'mongodb', 'memcached', 'none'];
const WORDS = { byUser: 'find by user', cells: 'be a node of a ring' };

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const readme = readFileSync(README, 'utf8');
const [before, rest = ''] = readme.split(`${BEGIN}\n`);
const after = rest.slice(rest.indexOf(END));
if (!rest.includes(END)) throw new Error(`${README} has no place for the table: ${BEGIN} ... ${END}`);
const wanted = `${before}${BEGIN}\n${table(await allFacts())}${after}`;

if (wanted === readme) console.log('The table of stores is as the stores say.');
else if (process.argv.includes('--write')) writeFileSync(README, wanted);
else {
  console.log('The table of stores in README.md is not what the stores say. Run: node scripts/store-table.js --write');
  process.exitCode = 1;
}

/** @returns {Promise<import('../src/stores/facts.js').StoreFacts[]>} */
async function allFacts() {
  const folder = 'dist/stores';
  const files = readdirSync(folder).map((name) => join(folder, name, 'facts.js'));
  const modules = files.filter((file) => existsSync(file)).map((file) => import(pathToFileURL(file).href));
  const facts = (await Promise.all(modules)).map((module) => module.facts);
  return facts.sort((a, b) => place(a.name) - place(b.name));
}

/** @param {string} name */
function place(name) {
  return (ORDER.indexOf(name) + ORDER.length + 1) % (ORDER.length + 1);
}

/** @param {readonly import('../src/stores/facts.js').StoreFacts[]} all */
function table(all) {
  const head = [
    'Store',
    'Needs',
    'Shared by',
    'Can',
    'Round trips: open / save',
    'A commit is atomic by',
    'A crash of the process / a power cut loses',
  ];
  const rows = all.map(({ name, needs, sharedBy, can, trips, atomicBy, loses }) => [
    `\`${name}\``,
    needs,
    sharedBy,
    can.map((ability) => WORDS[/** @type {keyof typeof WORDS} */ (ability)] ?? ability).join(', ') || 'nothing more',
    `${trips.open} / ${trips.save}`,
    atomicBy,
    `${loses.crash} / ${loses.powerCut}`,
  ]);
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `${lines
    .join('\n')
    .replace(/\| --- /g, '|---')
    .replace('---|---', '---|---')}\n`;
}
