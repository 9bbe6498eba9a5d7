/**
 * What sessions in Redis must reach, judged from the rows of one run. A speed counts only together with its number of commands:
 * a read that is quick because Redis was asked behind somebody's back, or a write that was never sent, is none.
 */
import type { Framework } from '../http/paths.js';
import { find, type Row } from '../http/rows.js';
import { type Figure, isSteady } from '../support/figures.js';
import { type Goal, judge } from '../support/result.js';
import type { Counted } from './work.js';

const COLD = 'sojourn + redis';
const HOT = 'sojourn + cached redis';
const PEER = 'express-session + connect-redis';

export interface Judged {
  readonly framework: Framework;
  readonly rows: readonly Row[];
  readonly work: (row: Row) => Counted;
  /** Why this run may not judge speeds. */
  readonly doubt: string | undefined;
}

export function goalsOf(judged: Judged): Goal[] {
  const { framework, rows } = judged;
  const speeds = framework === 'node:http' ? nodeSpeeds(judged) : expressSpeeds(judged);
  return [
    ...speeds,
    commandsGoal(judged, find(rows, HOT, 'read'), 0, 'a hot read'),
    commandsGoal(judged, find(rows, COLD, 'read'), 1, 'a cold read'),
    commandsGoal(judged, find(rows, HOT, 'write'), 1, 'a write of one field, hot'),
    commandsGoal(judged, find(rows, COLD, 'anonymous'), 0, 'a request without a session'),
    commandsGoal(judged, find(rows, HOT, 'anonymous'), 0, 'a request without a session, near cache'),
  ];
}

function nodeSpeeds({ framework, rows, doubt }: Judged): Goal[] {
  const hot = find(rows, HOT, 'read');
  const what = `${framework}: a hot read, CPU over bare`;
  return [judge({ what, bound: 'at most', limit: 1.5, unit: 'us' }, hot.added, hot.pairs, doubt)];
}

function expressSpeeds({ framework, rows, doubt }: Judged): Goal[] {
  const ratio = (row: Row, what: string, limit: number): Goal =>
    judge(
      { what: `${framework}: ${what}, CPU ratio to bare`, bound: 'at least', limit, unit: '' },
      row.ratio,
      row.pairs,
      doubt,
    );
  const hot = find(rows, HOT, 'read');
  return [
    ratio(hot, 'a hot read', 0.97),
    ratio(find(rows, COLD, 'read'), 'a cold read', 0.78),
    ratio(find(rows, HOT, 'write'), 'a write of one field, hot', 0.8),
    ...againstPeer(framework, hot, rows, doubt),
  ];
}

/** CPU of the peer's request to CPU of ours: both with the same framework around them. */
function againstPeer(framework: Framework, hot: Row, rows: readonly Row[], doubt: string | undefined): Goal[] {
  // It has no peer in the fields of other clients.
  const peer = rows.find(({ name, route }) => name === PEER && route === 'read');
  if (peer === undefined) return [];
  const samples: Figure = isSteady(hot.pairs) ? peer.pairs : hot.pairs;
  const what = `${framework}: a hot read, how much less CPU than ${PEER}`;
  return [judge({ what, bound: 'at least', limit: 2, unit: 'times' }, peer.total / hot.total, samples, doubt)];
}

/** Counted, so there is no doubt about it. */
function commandsGoal({ framework, work }: Judged, row: Row, wanted: number, what: string): Goal {
  const { sent, requests } = work(row);
  return {
    what: `${framework}: ${what}, commands`,
    target: `${wanted} each`,
    measured: `${sent} in ${requests} requests`,
    verdict: sent === wanted * requests ? 'met' : 'not met',
  };
}
