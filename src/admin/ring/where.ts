/**
 * `sojourn ring where <id>`: the slot of a session, and its nodes in the order in which they are asked.
 *
 * An id is public and may be typed and shown. A token is not: a terminal's history is no place for its secret half, so a token is
 * refused, and the refusal does not repeat it.
 */
import { SLOTS } from '../../ring/nodes.js';
import { ringOf } from '../../ring/ring.js';
import type { RingTable } from '../../ring/table.js';
import { type Given, wrong } from '../arguments.js';
import { type Answer, type Command, isRefusal, type Refusal } from '../command.js';
import { type Line, table as rowsUnder } from '../printer.js';
import { holdsToken } from '../visible.js';
import { identityOf } from './appraisal.js';
import { titleLines } from './show.js';
import { refuseCopies, ringGiven, source } from './source.js';

export const where: Command = {
  usage: '<id> (--table FILE | --nodes LIST [--copies N]) [--json]',
  summary: 'tells which nodes keep the session of an id',
  more: [
    'An id is the half of a token before the dot, and may be logged and shown. Any other text has a place as well, by its SHA-256.',
  ],
  options: { ...source, json: { says: 'the same as JSON' } },
  examples: ['sojourn ring where q2Zc0cYyPkS1aVtCq0mLbA --table ring.json'],
  attention: 'the file cannot be read',
  run,
};

const MAX_ID = 1024;

function run(given: Given): Answer | Refusal {
  refuseCopies(given);
  const id = idGiven(given.words);
  const found = ringGiven(given);
  return isRefusal(found) ? found : placed(found.table, id);
}

function idGiven(words: readonly string[]): string {
  const [id = '', more] = words;
  if (id === '') throw wrong('<id>', 'is missing; give the id of a session');
  if (more !== undefined) throw wrong('<id>', 'must be one id, but another word follows it', more);
  if (id.length > MAX_ID) throw wrong('<id>', `must be at most ${MAX_ID} characters, and has ${id.length}`);
  if (holdsToken(id)) {
    throw wrong(
      '<id>',
      'looks like a whole token. Give the part before the dot only, and end that session: its secret now stands in the history of this terminal',
    );
  }
  return id;
}

function placed(table: RingTable, id: string): Answer {
  const ring = ringOf(table, ({ name, zone, weight }) => ({ name, zone, weight }));
  const slot = ring.slotOf(id);
  const owners = ring.nodesFor(id);
  const byDigest = table.routing === 'sha256' || !looksNative(id);
  const zoned = owners.some(({ zone }) => zone !== null);
  const rows = owners.map(({ name, zone, weight }, k): Line[] => [
    k === 0 ? 'home' : `copy ${k + 1}`,
    [{ text: name, style: 'strong' }],
    ...(zoned ? [zone ?? ''] : []),
    `${weight}`,
  ]);
  const heads = [
    { title: '' },
    { title: 'node' },
    ...(zoned ? [{ title: 'zone' }] : []),
    { title: 'weight', right: true as const },
  ];
  return {
    lines: () => [
      ...titleLines(table),
      '',
      ['id    ', { text: id, style: 'strong' }],
      [
        'slot  ',
        { text: `${slot}`, style: 'strong' },
        ` of ${SLOTS}, by ${byDigest ? 'the SHA-256 of the id' : 'the first 14 bits of the id'}`,
      ],
      '',
      ...rowsUnder(heads, rows),
    ],
    json: { ...identityOf(table), id, slot, by: byDigest ? 'sha256' : 'id-bits', nodes: owners },
    attention: false,
  };
}

/** Of such a text the ring reads the first characters; of any other the digest. */
function looksNative(id: string): boolean {
  return id.length === 22 && /^[A-Za-z0-9_-]{3}/.test(id);
}
