/**
 * `sojourn ring verify`: whether every session has all its copies, the same everywhere, and where the table says. Changes nothing.
 *
 * Sessions are written meanwhile, one node after the other, so copies that differ are looked at again before they count. Each session is
 * judged once, when it is met on the first of its owners that has it. Rejected: sums for each slot (they say that something differs,
 * and then somebody wants to know what).
 */
import { setTimeout as rest } from 'node:timers/promises';
import { isControl } from '../../layers/ring/control.js';
import { type Ring, ringOf } from '../../ring/ring.js';
import type { Given } from '../arguments.js';
import type { Answer, Command, Refusal } from '../command.js';
import type { Line } from '../printer.js';
import type { Stage } from '../stage.js';
import { appraisalLines, counted } from './appraisal.js';
import { copyOn, tableInForce } from './copies.js';
import { type LiveRing, withRing } from './live.js';
import { grouped } from './progress.js';
import { liveSource } from './servers.js';

export const verify: Command = {
  usage: '(--ring FILE | --node NODE...) [--json]',
  summary: 'looks whether every session has all its copies; changes nothing',
  more: [
    'sojourn ring repair brings together what differs. While sessions move there is nothing to verify; wait until nothing moves.',
  ],
  options: { ...liveSource, json: { says: 'the same as JSON' } },
  examples: ['sojourn ring verify --ring ring.json'],
  attention: 'copies differ, are missing or cannot be read, a node does not answer, or sessions move',
  run: (given, stage) => withRing(given, (live) => verified(given, live, stage)),
};

interface Found {
  /** Sessions, tombstones among them. */
  looked: number;
  same: number;
  differing: number;
  missing: number;
  unreadable: number;
  /** Copies on nodes that the table does not name for them. */
  stray: number;
  /** Some ids of those that are not in order. */
  readonly ids: string[];
}

const AT_A_TIME = 32;
const TRIES = 4;
const AGAIN_MS = 100;
const MOST_IDS = 10;

async function verified(_given: Given, live: LiveRing, stage: Stage): Promise<Answer | Refusal> {
  const { phase } = await live.store.status();
  if (phase !== 'stable')
    return { refused: 'sessions move at present; wait until sojourn ring status says that nothing moves' };
  const ring = ringOf(await tableInForce(live), ({ name }) => name);
  const found: Found = { looked: 0, same: 0, differing: 0, missing: 0, unreadable: 0, stray: 0, ids: [] };
  const silent: string[] = [];
  for (const [node, store] of live.stores) {
    try {
      const lanes = new Set<Promise<void>>();
      for await (const id of store.cells!.ids()) {
        if (stage.leave.aborted) return { refused: 'broken off' };
        if (isControl(id)) continue;
        const lane = judge(live, ring, node, id, found).finally(() => lanes.delete(lane));
        lanes.add(lane);
        if (lanes.size >= AT_A_TIME) await Promise.race(lanes);
        if (found.looked % 1000 === 999) stage.show({ lines: () => [sentence(found)], line: sentence(found) });
      }
      await Promise.all(lanes);
    } catch {
      silent.push(node);
    }
  }
  return answerOf(found, silent);
}

/** Each session once: on its first owner, or on the next one when the first has not got it. */
async function judge(live: LiveRing, ring: Ring<string>, node: string, id: string, found: Found): Promise<void> {
  const owners = ring.nodesFor(id);
  const at = owners.indexOf(node);
  if (at < 0) return void found.stray++;
  for (let tries = 1; ; tries++) {
    const copies = await Promise.all(owners.map((owner) => copyOn(live, owner, id)));
    const first = copies.findIndex(({ is }) => is !== 'absent' && is !== 'unreachable');
    if (first !== at) return;
    const there = copies.filter(({ is }) => is !== 'unreachable');
    const kind = there.some(({ is }) => is === 'unreadable')
      ? 'unreadable'
      : there.some(({ is }) => is === 'absent')
        ? 'missing'
        : there.every((copy) => 'mark' in copy && 'mark' in there[0]! && copy.mark === there[0].mark)
          ? 'same'
          : 'differing';
    if (kind !== 'same' && tries < TRIES) {
      await rest(AGAIN_MS);
      continue;
    }
    found.looked++;
    found[kind]++;
    if (kind !== 'same' && found.ids.length < MOST_IDS) found.ids.push(id);
    return;
  }
}

function sentence({ looked, same }: Found): string {
  return `Looked at ${grouped(looked)} sessions; of ${grouped(same)} all copies are there and the same`;
}

function answerOf(found: Found, silent: readonly string[]): Answer {
  const { differing, missing, unreadable, stray, ids } = found;
  const attention = [
    ...(differing > 0 ? [`${counted(differing, 'session')} with copies that differ.`] : []),
    ...(missing > 0 ? [`${counted(missing, 'session')} with a copy missing.`] : []),
    ...(unreadable > 0 ? [`${counted(unreadable, 'session')} with a copy that cannot be read.`] : []),
    ...silent.map((name) => `Node ${name} does not answer; its copies were not looked at.`),
    ...(ids.length > 0
      ? [`Among them: ${ids.join(', ')}. Look at one by ring where, bring all together by ring repair.`]
      : []),
  ];
  const notes =
    stray > 0 ? [`${counted(stray, 'copy', 'copies')} where the table does not look; they end by themselves.`] : [];
  return {
    lines: (columns): Line[] => [
      [{ text: `${sentence(found)}.`, style: attention.length > 0 ? 'warn' : 'good' }],
      ...appraisalLines({ attention, notes }, columns),
    ],
    json: { ...found, silent, attention, notes },
    attention: attention.length > 0,
  };
}
