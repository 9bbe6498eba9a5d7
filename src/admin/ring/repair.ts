/**
 * `sojourn ring repair`: compares all copies of all sessions, and brings together those that differ.
 *
 * For now and then, and after trouble; a ring repairs by itself what it notices. It goes at a pace, and may be broken off and begun again
 * at any time, since each session is in order as soon as it was looked at. Rejected: remembering where it was broken off (what lies
 * behind may have changed since).
 */
import { SLOTS } from '../../ring/nodes.js';
import { type Given, wholeFrom } from '../arguments.js';
import type { Answer, Command, Refusal } from '../command.js';
import type { Line } from '../printer.js';
import type { Stage } from '../stage.js';
import { appraisalLines, counted } from './appraisal.js';
import { type LiveRing, withRing } from './live.js';
import { grouped } from './progress.js';
import { liveSource } from './servers.js';

export const repair: Command = {
  usage: '(--ring FILE | --node NODE...) [--slot N] [--pace N] [--json]',
  summary: 'compares all copies of all sessions, and brings them together',
  more: ['It can be broken off at any time, and begun again.'],
  options: {
    ...liveSource,
    slot: { value: 'N', says: `only this slot, 0 to ${SLOTS - 1}` },
    pace: { value: 'N', says: 'sessions a second at most (default 2000)' },
    json: { says: 'the same as JSON' },
  },
  examples: ['sojourn ring repair --ring ring.json', 'sojourn ring repair --ring ring.json --slot 1165'],
  attention: 'copies cannot be read, a node does not answer, or no ring is there',
  run(given, stage) {
    const [slot, pace] = [number(given, 'slot', 0, SLOTS - 1), number(given, 'pace', 1, 10_000_000)];
    return withRing(given, (live) =>
      repaired(live, stage, { ...(slot !== undefined && { slot }), ...(pace !== undefined && { pace }) }),
    );
  },
};

async function repaired(
  { store }: LiveRing,
  stage: Stage,
  options: { slot?: number; pace?: number },
): Promise<Answer | Refusal> {
  const told = (looked: number, written: number): string =>
    `Compared ${grouped(looked)} sessions, brought ${counted(written, 'copy', 'copies')} up to date`;
  const running = store.repair({
    ...options,
    onProgress: ({ looked, written }) =>
      stage.show({ lines: () => [told(looked, written)], line: told(looked, written) }),
  });
  const left = new Promise<'left'>((resolve) => stage.leave.addEventListener('abort', () => resolve('left')));
  const progress = await Promise.race([running, left]);
  if (progress === 'left') {
    // It ends with the ring, which is closed next.
    running.catch(() => {});
    return { refused: 'broken off; what was compared so far is in order' };
  }
  const { looked, written, corrupt } = progress;
  const down = store.describe().nodes.filter(({ state }) => state === 'down');
  const attention = [
    ...(corrupt > 0
      ? [
          `${counted(corrupt, 'session')} with a copy that cannot be read; the others are used, and it is left as it is.`,
        ]
      : []),
    ...down.map(({ name }) => `Node ${name} did not answer and was left out; repair again when it is back.`),
  ];
  return {
    lines: (columns): Line[] => [
      [{ text: `${told(looked, written)}.`, style: 'strong' }],
      ...appraisalLines({ attention, notes: [] }, columns),
    ],
    json: { looked, written, corrupt, attention },
    attention: attention.length > 0,
  };
}

function number(given: Given, option: string, min: number, max: number): number | undefined {
  const text = given.one(option);
  return text === undefined ? undefined : wholeFrom(`--${option}`, text, min, max);
}
