/**
 * `sojourn ring where <id>`: the slot of a session, and its nodes in the order in which they are asked; of a ring that runs also what
 * each of them has.
 *
 * An id is public and may be typed and shown. A token is not: a terminal's history is no place for its secret half, so a token is
 * refused, and the refusal does not repeat it.
 */
import type { MaybePromise } from '../../contract.js';
import { SLOTS } from '../../ring/nodes.js';
import { ringOf } from '../../ring/ring.js';
import type { RingTable } from '../../ring/table.js';
import { type Given, wrong } from '../arguments.js';
import { type Answer, type Command, isRefusal, type Refusal } from '../command.js';
import { type Line, table as rowsUnder, type Span } from '../printer.js';
import { holdsToken } from '../visible.js';
import { identityOf } from './appraisal.js';
import { type Copy, copyOn, tableInForce } from './copies.js';
import { type LiveRing, withRing } from './live.js';
import { lasting } from './progress.js';
import { isLive, liveSource } from './servers.js';
import { titleLines } from './show.js';
import { refuseCopies, ringGiven, source } from './source.js';

export const where: Command = {
  usage: '<id> (--table FILE | --nodes LIST [--copies N] | --ring FILE | --node NODE...) [--json]',
  summary: 'tells which nodes keep the session of an id',
  more: [
    'An id is the half of a token before the dot, and may be logged and shown. Any other text has a place as well, by its SHA-256.',
    'With --ring or --node it also asks the nodes: which of them has the session, in which version, and until when.',
  ],
  options: {
    ...source,
    ring: liveSource.ring,
    node: liveSource.node,
    prefix: liveSource.prefix,
    json: { says: 'the same as JSON' },
  },
  examples: [
    'sojourn ring where q2Zc0cYyPkS1aVtCq0mLbA --table table.json',
    'sojourn ring where q2Zc0cYyPkS1aVtCq0mLbA --ring ring.json',
  ],
  attention: 'a file cannot be read, or the copies of the session are not the same',
  run,
};

const MAX_ID = 1024;

function run(given: Given): MaybePromise<Answer | Refusal> {
  refuseCopies(given);
  const id = idGiven(given.words);
  if (isLive(given)) return withRing(given, (live) => foundIn(live, id));
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

/** In a ring that runs: what each of its nodes has. */
async function foundIn(live: LiveRing, id: string): Promise<Answer> {
  const table = await tableInForce(live);
  const owners = ringOf(table, ({ name }) => name).nodesFor(id);
  const copies = await Promise.all(owners.map((name) => copyOn(live, name, id)));
  const marks = new Set(copies.map((copy) => ('mark' in copy ? copy.mark : copy.is)));
  return placed(table, id, { copies, isOdd: marks.size > 1, now: Date.now() });
}

interface Seen {
  readonly copies: readonly Copy[];
  /** They are not all the same. */
  readonly isOdd: boolean;
  readonly now: number;
}

function placed(table: RingTable, id: string, seen?: Seen): Answer {
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
    ...(seen ? [[inWords(seen.copies[k]!, seen.now)]] : []),
  ]);
  const heads = [
    { title: '' },
    { title: 'node' },
    ...(zoned ? [{ title: 'zone' }] : []),
    { title: 'weight', right: true as const },
    ...(seen ? [{ title: 'has' }] : []),
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
      ...(seen?.isOdd ? ['', [{ text: ODD, style: 'warn' as const }]] : []),
    ],
    json: {
      ...identityOf(table),
      id,
      slot,
      by: byDigest ? 'sha256' : 'id-bits',
      nodes: seen ? owners.map((owner, k) => ({ ...owner, has: seen.copies[k] })) : owners,
    },
    attention: seen?.isOdd ?? false,
  };
}

const ODD =
  'The copies are not all the same: a write may be under way. Ask again; sojourn ring repair brings them together.';

function inWords(copy: Copy, now: number): Span {
  if (copy.is === 'absent') return { text: 'nothing', style: 'dim' };
  if (copy.is === 'unreachable') return { text: 'does not answer', style: 'bad' };
  if (copy.is === 'unreadable') return { text: 'a copy that cannot be read', style: 'bad' };
  const mark = copy.mark.slice(0, 8);
  if (copy.is === 'ended') return { text: `a tombstone for ${lasting(copy.keepUntil - now)} (${mark})`, style: 'warn' };
  const isOver = copy.expiresAt <= now;
  const until = isOver ? 'expired' : `for ${lasting(copy.expiresAt - now)}`;
  return { text: `version ${copy.version}, ${until} (${mark})`, style: isOver ? 'warn' : 'good' };
}

/** Of such a text the ring reads the first characters; of any other the digest. */
function looksNative(id: string): boolean {
  return id.length === 22 && /^[A-Za-z0-9_-]{3}/.test(id);
}
