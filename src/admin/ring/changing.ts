/**
 * `sojourn ring apply`, `drain`, `pause`, `resume` and `abort`: changing a ring that runs.
 *
 * The work is the ring's own (layers/ring): it goes on in the servers of the application, with or without this tool. So `apply` shows
 * how far it is, and Ctrl-C ends the showing and nothing else. A plan is applied only to the table that it was made from.
 */
import { isFailure } from '../../errors.js';
import type { ResizePlan, RingChange } from '../../layers/ring/change.js';
import type { ResizeStatus } from '../../layers/ring/status.js';
import { type Given, type OptionRule, wrong } from '../arguments.js';
import { type Answer, type Command, isRefusal, type Refusal } from '../command.js';
import type { Line } from '../printer.js';
import type { Stage } from '../stage.js';
import { quoted } from '../visible.js';
import { textOf } from './files.js';
import { type LiveRing, withRing } from './live.js';
import { checkedName, problemOf } from './node-list.js';
import { liveSource } from './servers.js';
import { answerOf, watched } from './status.js';

const json: OptionRule = { says: 'the answer as JSON' };
const dead: OptionRule = {
  value: 'NAME',
  many: true,
  says: 'a node that will never come back: it is not waited for, and what only it had is given up',
};
const begin: OptionRule = { says: 'does not wait until all is moved' };
const ATTENTION = 'it was refused, or was not done when the tool left';

export const apply: Command = {
  usage: '<plan> (--ring FILE | --node NODE...) [--dead NAME] [--begin] [--json]',
  summary: 'carries out a plan: sessions move while they are served',
  more: [
    'The plan is a file that ring plan --ring ... --out has written. It is refused when the ring has changed since.',
    'Servers of the application must know the nodes that join: put them into their lists first. Ctrl-C ends the showing; the move goes on.',
    'Two nodes of which one is dead have no majority: then name the dead one with --dead. Never name a node that anybody still reaches.',
  ],
  options: { ...liveSource, dead, begin, json },
  examples: ['sojourn ring apply plan.json --ring ring.json'],
  attention: ATTENTION,
  run: (given, stage) => withPlan(given, (plan) => withRing(given, (live) => resized(given, live, plan, stage))),
};

export const drain: Command = {
  usage: '<node> (--ring FILE | --node NODE...) [--begin] [--json]',
  summary: 'empties a node: it stays in the list and keeps nothing',
  more: [
    'The same as a plan with --drain that is applied at once. Afterwards the node may leave: plan --remove moves nothing then.',
  ],
  options: { ...liveSource, dead, begin, json },
  examples: ['sojourn ring drain two --ring ring.json'],
  attention: ATTENTION,
  run(given, stage) {
    const name = checkedName('<node>', 'name', oneWord(given, '<node>', 'the name of a node'));
    return withRing(given, async (live) => {
      const change: RingChange = { weights: { [name]: 0 } };
      return resized(given, live, await live.store.plan(change), stage);
    });
  },
};

export const pause: Command = {
  usage: '(--ring FILE | --node NODE...) [--json]',
  summary: 'sessions stop moving; all are served as before',
  more: ['What has moved stays where it is.'],
  options: { ...liveSource, json },
  examples: ['sojourn ring pause --ring ring.json'],
  attention: 'nothing moves, or the ring could not be told',
  run: (given) => told(given, 'pause'),
};

export const resume: Command = {
  usage: '(--ring FILE | --node NODE...) [--json]',
  summary: 'sessions go on moving',
  more: ['Also where the server that carried them has died and nobody has taken over yet.'],
  options: { ...liveSource, json },
  examples: ['sojourn ring resume --ring ring.json'],
  attention: 'nothing moves, or the ring could not be told',
  run: (given) => told(given, 'resume'),
};

export const abort: Command = {
  usage: '(--ring FILE | --node NODE...) [--begin] [--json]',
  summary: 'takes a resize back',
  more: [
    'Before sessions move: at once. Afterwards the rest follows first, and then a second resize brings all back where it was.',
  ],
  options: { ...liveSource, begin, json },
  examples: ['sojourn ring abort --ring ring.json'],
  attention: 'there is no resize, or it was not done when the tool left',
  run: (given, stage) =>
    withRing(given, async (live) => {
      const what = await live.store.abort();
      if (what === 'nothing') return { refused: 'there is no resize that could be taken back' };
      if (what === 'undone') return said(live, 'Taken back. Nothing had moved.');
      return shownToTheEnd(given, live, stage, 'All is back where it was.');
    }),
};

async function resized(given: Given, live: LiveRing, plan: ResizePlan, stage: Stage): Promise<Answer | Refusal> {
  const missing = missingIn(live, plan);
  if (missing.length > 0)
    return {
      refused: `the plan has a node ${missing[0]}, and no address was given for it; give it by --ring or --node`,
    };
  const { phase, fingerprint } = await live.store.status();
  if (phase !== 'stable')
    return {
      refused: 'sessions move already; wait until ring status says that nothing moves, or take that back by ring abort',
    };
  if (fingerprint !== plan.beforeFingerprint)
    return {
      refused: 'the plan was made from another table than the one in force; look at ring status, and plan again',
    };
  const line = `Telling all servers of epoch ${epochOf(plan.after)}`;
  stage.show({ lines: () => [line], line });
  const names = given.all('dead').map((text) => checkedName('--dead', 'name', text));
  try {
    await live.store.resize(plan, names.length > 0 ? { dead: names } : {});
  } catch (error) {
    if (!isFailure(error, 'SOJOURN_OPTION')) throw error;
    return { refused: problemOf(error.details) };
  }
  return shownToTheEnd(given, live, stage, 'Done. All sessions are where the new table says.');
}

async function shownToTheEnd(given: Given, live: LiveRing, stage: Stage, done: string): Promise<Answer> {
  const first = await live.store.status();
  const now = given.has('begin') ? first : await watched(live, stage, first);
  if (now.phase === 'stable') return said(live, done, now);
  const answer = await said(
    live,
    'It has begun, and goes on without this tool: sojourn ring status --watch shows how far it is.',
    now,
  );
  return { ...answer, attention: answer.attention || !given.has('begin') };
}

async function told(given: Given, verb: 'pause' | 'resume'): Promise<Answer | Refusal> {
  return withRing(given, async (live) => {
    if ((await live.store.status()).phase === 'stable') return { refused: 'nothing moves' };
    await live.store[verb]();
    return said(live, verb === 'pause' ? 'Paused. Everything is served as before.' : 'Sessions go on moving.');
  });
}

/** A sentence, and the ring as it is now. */
async function said(live: LiveRing, sentence: string, now?: ResizeStatus): Promise<Answer> {
  const answer = answerOf(live, now ?? (await live.store.status()));
  return {
    ...answer,
    lines: (columns): Line[] => [[{ text: sentence, style: 'strong' }], '', ...answer.lines(columns)],
    json: { ...(answer.json as object), said: sentence },
  };
}

function epochOf(table: string): number {
  return (JSON.parse(table) as { epoch: number }).epoch;
}

function missingIn({ servers }: LiveRing, plan: ResizePlan): string[] {
  const { nodes } = JSON.parse(plan.after) as { nodes: { name: string }[] };
  return nodes.map(({ name }) => name).filter((name) => !servers.nodes.some((node) => node.name === name));
}

async function withPlan(
  given: Given,
  work: (plan: ResizePlan) => Promise<Answer | Refusal>,
): Promise<Answer | Refusal> {
  const path = oneWord(given, '<plan>', 'the file that ring plan --out has written');
  const text = textOf('<plan>', path);
  if (isRefusal(Object(text))) return text as Refusal;
  const plan = planIn(text as string);
  if (plan !== undefined) return work(plan);
  return { refused: `${quoted(path)} is no plan; make one by ring plan --ring FILE ... --out ${quoted(path)}` };
}

/** Its fingerprints are compared with its tables by the ring itself. */
function planIn(text: string): ResizePlan | undefined {
  try {
    const plan = JSON.parse(text) as Partial<ResizePlan> | null;
    const isPlan = typeof plan?.before === 'string' && typeof plan.after === 'string' && Array.isArray(plan.moves);
    if (!isPlan) return undefined;
    JSON.parse(plan.after!);
    return plan as ResizePlan;
  } catch {
    return undefined;
  }
}

export function oneWord(given: Given, what: string, meaning: string): string {
  const [word = '', more] = given.words;
  if (word === '') throw wrong(what, `is missing; give ${meaning}`);
  if (more !== undefined) throw wrong(what, 'must be one word, but another one follows it', more);
  return word;
}
