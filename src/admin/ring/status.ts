/**
 * `sojourn ring status`: whether the nodes of a ring that runs answer and have all they should, which servers use it, and how far a
 * resize is.
 *
 * With --watch until nothing moves any more, so that a script can wait for it, too. What is wrong with a node is exit code 1; what may
 * be over in a second, like a server that has not said yet that it heard of a change, is only a note.
 */
import { setTimeout as rest } from 'node:timers/promises';
import type { ResizeStatus } from '../../layers/ring/status.js';
import type { NodeDescription, RingDescription } from '../../layers/ring.js';
import type { Given } from '../arguments.js';
import type { Answer, Command, Refusal } from '../command.js';
import { type Line, table as rowsUnder, type Span, wrapped } from '../printer.js';
import type { Stage } from '../stage.js';
import { appraisalLines, counted, percent } from './appraisal.js';
import { type LiveRing, withRing } from './live.js';
import { progressLine, progressLines } from './progress.js';
import { addressOf, liveSource } from './servers.js';

export const status: Command = {
  usage: '(--ring FILE | --node NODE...) [--watch] [--json]',
  summary: 'tells how the nodes of a ring are, and how far a resize is',
  more: [
    'The tool joins the ring as one more process, looks, and leaves. With --watch it goes on until nothing moves any more.',
    'With --watch --json every second a document on a line of its own.',
  ],
  options: {
    ...liveSource,
    watch: { says: 'shows how far a resize is until it is done' },
    json: { says: 'the same as JSON' },
  },
  examples: ['sojourn ring status --ring ring.json', 'sojourn ring status --ring ring.json --watch'],
  attention: 'a node does not answer or lacks something, a server does not know all nodes, or no ring is there',
  run: (given, stage) => withRing(given, (live) => looked(given, live, stage)),
};

/** As often as the figures are written down. */
const EVERY_MS = 1000;

async function looked(given: Given, live: LiveRing, stage: Stage): Promise<Answer | Refusal> {
  let now = await live.store.status();
  if (given.has('watch')) now = await watched(live, stage, now);
  return answerOf(live, now);
}

/** Shows a resize until it is done, or somebody does not want to wait any longer. */
export async function watched({ store }: LiveRing, stage: Stage, first: ResizeStatus): Promise<ResizeStatus> {
  let now = first;
  while (now.phase !== 'stable' && !stage.leave.aborted) {
    const shown = now;
    stage.show({ lines: (columns) => progressLines(shown, columns), line: progressLine(shown) });
    stage.document(shown);
    await rest(EVERY_MS, undefined, { signal: stage.leave }).catch(() => {});
    now = await store.status();
  }
  return now;
}

/** What is known of the ring as it is. */
export function answerOf(live: LiveRing, now: ResizeStatus): Answer {
  const described = live.store.describe();
  const attention = worries(live, described, now);
  return {
    lines: (columns) => linesOf(live, described, now, attention, columns),
    json: { ...now, ...identity(described), nodes: described.nodes, attention, notes: notesOn(now) },
    attention: attention.length > 0,
  };
}

function identity({ copies, write, epoch, fingerprint }: RingDescription) {
  return { copies, write, epoch, fingerprint };
}

/** What somebody should look at. */
function worries({ servers }: LiveRing, { nodes }: RingDescription, now: ResizeStatus): string[] {
  const listed = new Set(servers.nodes.map(({ name }) => name));
  const strangers = nodes.filter(({ name }) => !listed.has(name));
  const poor = now.servers.filter((server) => nodes.some(({ name }) => !server.nodes.includes(name)));
  return [
    ...nodes.filter(({ name }) => listed.has(name)).flatMap((node) => worryAbout(node)),
    ...strangers.map(({ name }) => `The ring has a node ${name}, and no address was given for it.`),
    ...poor.map(({ id }) => `Server ${id} does not have all nodes of the ring in its list.`),
  ];
}

/** What may be over in a second: servers say once a second what they know. */
function notesOn({ servers, step: last }: ResizeStatus): string[] {
  return servers
    .filter(({ step }) => step < last)
    .map(
      ({ id }) => `Server ${id} has not said yet that it heard of the last change. If it goes on so, it is cut off.`,
    );
}

function worryAbout({ name, state, synced }: NodeDescription): string[] {
  if (state === 'down') return [`Node ${name} does not answer; its sessions have one copy fewer until it does.`];
  if (synced === 'empty') return [`Node ${name} has lost its sessions, and is being filled.`];
  if (synced === 'outdated') {
    return [
      `Node ${name} was away for a day; it is emptied and filled anew, once the nodes that share sessions with it are whole.`,
    ];
  }
  return synced === 'behind' ? [`Node ${name} has missed writes, and is catching up.`] : [];
}

function linesOf(
  { servers }: LiveRing,
  described: RingDescription,
  now: ResizeStatus,
  attention: readonly string[],
  columns: number,
): Line[] {
  const { nodes, copies, epoch, fingerprint } = described;
  return [
    [
      { text: `Ring of ${counted(nodes.length, 'node')}, ${counted(copies, 'copy', 'copies')}`, style: 'strong' },
      { text: `  epoch ${epoch}`, style: 'dim' },
    ],
    [{ text: `fingerprint ${fingerprint}`, style: 'dim' }],
    '',
    ...nodeRows(servers.nodes, described),
    '',
    ...progressLines(now, columns),
    ...wrapped(serverLine(now), columns, '  '),
    ...appraisalLines({ attention, notes: notesOn(now) }, columns),
  ];
}

function nodeRows(servers: LiveRing['servers']['nodes'], { nodes }: RingDescription): Line[] {
  const right = true as const;
  const zoned = nodes.some(({ zone }) => zone !== null);
  const all = nodes.reduce((sum, { homes }) => sum + homes, 0);
  const heads = [
    { title: 'node' },
    ...(zoned ? [{ title: 'zone' }] : []),
    { title: 'state' },
    { title: 'synced' },
    { title: 'weight', right },
    { title: 'copies', right },
    { title: 'homes', right },
    { title: '', right },
    { title: 'slow', right },
    { title: 'address' },
  ];
  const rows = nodes.map((node): Line[] => {
    const url = servers.find(({ name }) => name === node.name)?.url;
    return [
      [{ text: node.name, style: 'strong' }],
      ...(zoned ? [node.zone ?? ''] : []),
      [stateSpan(node)],
      [syncedSpan(node)],
      `${node.weight}`,
      `${node.slots}`,
      `${node.homes}`,
      percent(node.homes, all),
      node.slowMs === undefined ? '-' : `${node.slowMs} ms`,
      url === undefined ? '-' : addressOf(url),
    ];
  });
  return rowsUnder(heads, rows);
}

function stateSpan({ state }: NodeDescription): Span {
  return state === 'up' ? { text: 'up', style: 'good' } : { text: 'down', style: 'bad' };
}

function syncedSpan({ synced }: NodeDescription): Span {
  if (synced === 'yes') return { text: 'yes', style: 'good' };
  return synced === 'unknown' ? '?' : { text: synced, style: 'warn' };
}

function serverLine({ servers, silent }: ResizeStatus): string {
  const away = silent.length === 0 ? '' : ` (${silent.join(', ')} could not be asked)`;
  return `${counted(servers.length, 'process has', 'processes have')} this ring open, this tool among them${away}`;
}
