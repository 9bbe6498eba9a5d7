/**
 * Target `cookie`: the whole Cookie header, over raw TCP to node:http and Express, and straight into transport and engine.
 *
 * Each case is sent twice through each door: to a handler that reads, and to one that writes. How many loads an anonymous
 * answer may have cost is worked out from the case itself (how many whole tokens it spells exactly), never by asking our parser.
 */

import { beforeAll, describe, expect } from 'vitest';
import { tracesOf } from './aftermath.js';
import { bytesOf, type Case, casesFor, demands } from './casebook.js';
import { type Answer, type Door, PRODUCTION, type Scene, scene, whoAndWhat } from './scene.js';
import { inMemory } from './stores.js';
import { tally } from './tally.js';

/** Where the outcome's words say more than its term: what else must hold after the reading request. */
const alsoHolds: Readonly<Record<string, (scene: Scene) => void>> = {
  // Neither live session is used or destroyed: both are loaded, and nothing else.
  C21: ({ told, calls }) => {
    expect(told).toEqual([{ event: 'refused', payload: { reason: 'ambiguous' } }]);
    expect(calls.map(({ verb }) => verb)).toEqual(['load', 'load']);
  },
  // Eight candidates are looked at, and alice's token comes after them.
  C22: ({ calls }) => expect(calls).toEqual([]),
};

export function cookieTarget(): void {
  describe('cookie', () => {
    const { run } = tally('cookie');
    let stage: Scene;
    beforeAll(async () => {
      stage = await scene(inMemory());
    });

    for (const each of casesFor('cookie')) {
      for (const [index, where] of ['node:http', 'Express', 'direct'].entries()) {
        run(each, where, async () => {
          const door = stage.doors[index]!;
          const input = bytesOf(each, stage.placeholders);
          await reads(each, door, input, stage);
          await writes(each, door, input, stage);
          await stage.othersAreUnhurt();
          const isTheirOwn = demands(each, 'ALICE') ? [] : tracesOf(input);
          await stage.witness.check([...stage.secrets, ...isTheirOwn]);
        });
      }
    }
  });
}

async function reads(each: Case, door: Door, input: Buffer, stage: Scene): Promise<void> {
  stage.forget();
  const answer = await door.visit(input, whoAndWhat);
  if (isAnsweredByNode(each, door, answer)) return;
  expect([answer.status, answer.vary, answer.setCookies]).toEqual([200, 'Cookie', []]);
  if (demands(each, 'ALICE')) {
    expect(answer.result).toEqual({ user: 'alice', greeting: 'hello of alice' });
    expect(stage.calls).toEqual([{ verb: 'load', id: stage.ids.alice }]);
    expect(stage.told).toEqual([]);
  } else {
    expectAnonymous(each, answer, stage);
  }
  alsoHolds[each.id]?.(stage);
}

async function writes(each: Case, door: Door, input: Buffer, stage: Scene): Promise<void> {
  stage.forget();
  const answer = await door.visit(input, (session) => {
    session.set('note', 'written');
    return { id: session.id, ...whoAndWhat(session) };
  });
  if (isAnsweredByNode(each, door, answer)) return;
  const { id } = answer.result as { id: string };
  if (demands(each, 'ALICE')) {
    expect([id, answer.setCookies]).toEqual([stage.ids.alice, []]);
    return;
  }
  // A fresh token under an id that nobody presented, one new entry, and no write to any other.
  expect(input.toString('latin1')).not.toContain(id);
  expect(answer.setCookies).toEqual([expect.stringMatching(new RegExp(`^${PRODUCTION.name}=${id}\\.[\\w-]{43}; `))]);
  expect(stage.calls.filter(({ verb }) => verb !== 'load')).toEqual([{ verb: 'create', id }]);
}

/** Node's parser may refuse first, but only where the case says so. */
function isAnsweredByNode(each: Case, door: Door, { status, result }: Answer): boolean {
  const mayBe = [
    demands(each, 'NODE400') || /\b400\b/.test(each.outcome) ? [400] : [],
    demands(each, 'NODE431') ? [431, 0] : [],
  ].flat();
  if (!door.guarded || !mayBe.includes(status)) return false;
  expect(result).toBeUndefined();
  return true;
}

function expectAnonymous(each: Case, { result }: Answer, { calls, told }: Scene): void {
  expect(termOrDie(each)).toBe('ANON');
  expect(result).toEqual({ user: undefined, greeting: undefined });
  const loads = exactTokens(each);
  expect(calls.length).toBeLessThanOrEqual(loads);
  expect(calls.every(({ verb }) => verb === 'load')).toBe(true);
  if (presentsOurCookie(each))
    expect(told).toEqual([{ event: 'refused', payload: expect.objectContaining({ reason: expect.any(String) }) }]);
  else expect(told).toEqual([]);
}

function termOrDie(each: Case): string {
  if (!demands(each, 'ANON')) throw new Error(`${each.id}: its outcome says neither ANON nor ALICE`);
  return 'ANON';
}

/** How many of its cookies are our cookie with a whole token and nothing else. */
function exactTokens({ input }: Case): number {
  return String(input).match(/(?<=^|; )\{NAME\}=\{[A-Z0-9]+\}(?=$|;)/g)?.length ?? 0;
}

/** Base64 and repeated inputs begin with our cookie, too. */
function presentsOurCookie(each: Case): boolean {
  const text = bytesOf(each, {}).toString('latin1');
  return /(?:^|; ?)\s*\{NAME\}\s*=/.test(text);
}
