/**
 * Target `header`: whole header lines beside alice's cookie, on a raw connection, to both servers.
 *
 * What a proxy may say about TLS is only believed from a proxy that the application trusts, so those cases run without one, in
 * three settings: a cookie that may go over plain http, the default cookie from another machine, and the default cookie in
 * development on this machine. Untrusted headers may make us stricter there, never more generous.
 */
import { cookie } from 'sojourn';
import { beforeAll, describe, expect } from 'vitest';
import { printed } from '../../src/admin/printer.js';
import { visible } from '../../src/admin/visible.js';
import { sojourn } from '../support/cli.js';
import { waitingFor } from '../support/waiting.js';
import { bytesOf, type Case, casesFor, demands } from './casebook.js';
import { type Answer, type Door, PRODUCTION, type Scene, type Setting, scene, whoAndWhat } from './scene.js';
import { inMemory } from './stores.js';
import { tally } from './tally.js';

const settings = {
  production: PRODUCTION,
  'a clock that moves': PRODUCTION,
  'plain http allowed': { transport: cookie({ secure: false }), name: 'sid', host: 'shop.example', proxy: false },
  'no TLS': { transport: cookie(), name: '__Host-sid', host: 'shop.example', proxy: false },
  development: { transport: cookie(), name: 'sid', host: '127.0.0.1', proxy: false },
} as const satisfies Record<string, Setting>;
type Stages = Readonly<Record<keyof typeof settings, Scene>>;

/** What is checked for each case. One that is not listed here is judged by the term in its outcome. */
const rules: Readonly<Record<string, (lines: string, at: number, stages: Stages) => Promise<void>>> = {
  H01: isNotBelieved,
  H02: isNotBelieved,
  H04: keepsOutOf304,
  H05: async (lines, at, stages) => expectAnonymous(await ask(stages.production, at, lines, false), stages.production),
  H06: async (lines, at, stages) => {
    expectAlice(await ask(stages.production, at, lines));
    expect(stages.production.calls).toHaveLength(1);
  },
};

export function headerTarget(): void {
  describe('header', () => {
    const { run, waits } = tally('header');
    const stages = {} as Record<keyof typeof settings, Scene>;
    beforeAll(async () => {
      for (const name of Object.keys(settings) as (keyof typeof settings)[])
        stages[name] = await scene(inMemory(), settings[name]);
    });

    for (const each of casesFor('header')) {
      for (const [at, where] of ['node:http', 'Express'].entries()) {
        run(each, where, async () => {
          const lines = linesOf(bytesOf(each, stages.production.placeholders));
          await (rules[each.id]?.(lines, at, stages) ?? byTerm(each, lines, at, stages));
          await stages.production.othersAreUnhurt();
          await stages.production.witness.check([...stages.production.secrets, ...valuesOf(lines)]);
        });
      }
      if (each.class === 'ua') {
        run(each, 'the CLI', () => isSpelledOut(bytesOf(each, {})));
        waits(each, waitingFor.audit, 'in the audit log');
      }
    }
  });
}

/** The input as lines that each end. */
function linesOf(input: Buffer): string {
  return input.toString('latin1').replace(/(?:\r\n)?$/, '\r\n');
}

/** What the lines say, where that is long enough to be recognised. */
function valuesOf(lines: string): string[] {
  return lines
    .split('\r\n')
    .map((line) => line.slice(line.indexOf(':') + 1).trim())
    .filter((value) => value.length > 'https'.length);
}

async function ask({ doors, placeholders, forget }: Scene, at: number, lines: string, asAlice = true): Promise<Answer> {
  forget();
  const header = asAlice ? `${placeholders['{NAME}']}=${placeholders['{ID}']}` : undefined;
  return (doors[at] as Door).visit(header, whoAndWhat, lines);
}

async function byTerm(each: Case, lines: string, at: number, { production }: Stages): Promise<void> {
  const answer = await ask(production, at, lines);
  if (demands(each, 'NODE400')) expect(answer.status).toBe(400);
  else if (demands(each, 'NODE431')) expect([431, 0]).toContain(answer.status);
  else if (demands(each, 'ANON')) expectAnonymous(answer, production);
  else if (demands(each, 'ALICE')) expectAlice(answer);
  else throw new Error(`${each.id}: nothing here knows what its outcome asks for`);
}

function expectAlice(answer: Answer): void {
  expect([answer.status, answer.setCookies]).toEqual([200, []]);
  expect(answer.result).toEqual({ user: 'alice', greeting: 'hello of alice' });
}

function expectAnonymous(answer: Answer, { calls }: Scene): void {
  expect([answer.status, answer.setCookies, calls]).toEqual([200, [], []]);
  expect(answer.result).toEqual({ user: undefined, greeting: undefined });
}

/** A 304 that read the session varies by it and sets no cookie, not even one whose date has moved on and that a 200 would send. */
async function keepsOutOf304(lines: string, at: number, stages: Stages): Promise<void> {
  const { doors, clock, placeholders } = stages['a clock that moves'];
  const door = doors[at] as Door;
  const { setCookies } = await door.visit(undefined, (session) => session.login('reader', { remember: true }));
  const token = /=([^;]+)/.exec(setCookies[0] ?? '')?.[1];
  const readAs = async (status: number): Promise<Answer> => {
    clock.advance('3d');
    return door.visit(
      `${placeholders['{NAME}']}=${token}`,
      (session, answer) => {
        answer.status = status;
        return session.user;
      },
      lines,
    );
  };
  const [unchanged, whole] = [await readAs(304), await readAs(200)];

  expect([unchanged.status, unchanged.vary, unchanged.setCookies]).toEqual([304, 'Cookie', []]);
  expect([whole.status, whole.result, whole.setCookies.length]).toEqual([200, 'reader', 1]);
}

/** The same request with and without the lines: nothing is granted because of them. */
async function isNotBelieved(lines: string, at: number, stages: Stages): Promise<void> {
  // A cookie that may go over plain http: no difference at all, and no Secure.
  const open = stages['plain http allowed'];
  expectAlice(await ask(open, at, lines));
  expect(await newCookie(open, at, lines)).toEqual(await newCookie(open, at, ''));

  // The default cookie and plain http from another machine: alice's cookie stays unread, and none is sent.
  const bare = stages['no TLS'];
  for (const each of [lines, '']) {
    expectAnonymous(await ask(bare, at, each), bare);
    expect((await writes(bare, at, each)).status).toBe(500);
    expect(bare.calls.map(({ verb }) => verb)).not.toContain('load');
  }

  // Development on this machine: it works without a prefix and Secure, but not for what claims to come through a proxy,
  // since a proxy on this machine may well serve the world. So the line takes something away and gives nothing.
  const home = stages.development;
  expectAlice(await ask(home, at, ''));
  expectAnonymous(await ask(home, at, lines), home);
  expect((await writes(home, at, lines)).setCookies).toEqual([]);
}

/** What came in a header, typed on: as an id, as the name of a file and of a node, for people, for scripts and as a complaint. */
async function isSpelledOut(input: Buffer): Promise<void> {
  const value = linesOf(input).replace(/^[^:]*: |\r\n$/g, '');
  const ring = ['--nodes', 'a,b'];
  const answers = await Promise.all([
    sojourn(['ring', 'where', value, ...ring]),
    sojourn(['ring', 'where', value, ...ring, '--json']),
    sojourn(['ring', 'show', '--table', value]),
    sojourn(['ring', 'simulate', '--kill', value, ...ring]),
  ]);

  expect(answers.map(({ exit }) => exit)).toEqual([0, 0, 1, 2]);
  for (const { stdout, stderr } of answers) expect(stdout + stderr).not.toMatch(/[^\P{C}\n]/u);
  // Nothing was swallowed: the value can still be told from any other.
  expect(answers[0].stdout).toContain(visible(value));
  expect(JSON.parse(answers[1].stdout)).toMatchObject({ id: value });
  for (const style of ['strong', 'bad'] as const)
    expect(printed([[{ text: value, style }]], { colours: true }).split('\x1b')).toHaveLength(3);
}

async function writes(stage: Scene, at: number, lines: string): Promise<Answer> {
  stage.forget();
  return (stage.doors[at] as Door).visit(undefined, (session) => session.set('note', 'written'), lines);
}

/** The Set-Cookie line of a new session, without its token. */
async function newCookie(stage: Scene, at: number, lines: string): Promise<string[]> {
  const { setCookies } = await writes(stage, at, lines);
  expect(setCookies).toEqual([expect.not.stringContaining('Secure')]);
  return setCookies.map((line) => line.replace(/=[^;]+/, '='));
}
