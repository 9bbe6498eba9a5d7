/**
 * The example as its readers start it: real Flask, Node and nginx, sessions in the cookie and in Redis. First the story, then random
 * walks: after every step both sides must say what a model says, with the Python types of everything.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../test/support/exam.js';
import { browser, type Served } from '../../test/support/http.js';
import { need } from '../../test/support/needs.js';
import { onFreePort } from '../../test/support/ports.js';
import { startNode } from '../../test/support/spawn.js';

type Visitor = ReturnType<typeof browser>;

const WALKS = runs(12, 200);
const STEPS = 15;
const AT_A_TIME = 4;

function started(...args: string[]): Promise<Served> {
  return onFreePort(async (port) => {
    const program = await startNode('build/examples/flask-and-node/together.js', ['--port', String(port), ...args], {
      ready: /http:\/\/127\.0\.0\.1:(\d+)/,
      deadlineMs: 60_000,
    });
    const front = Number(program.ready![1]);
    return { port: front, url: `http://127.0.0.1:${front}` };
  });
}

async function ask(visitor: Visitor, method: 'GET' | 'POST', path: string): Promise<Record<string, unknown>> {
  const answer = await visitor.fetch(path, { method });
  const text = await answer.text();
  expect(answer.status, `${method} ${path}: ${text.slice(0, 300)}`).toBe(200);
  return JSON.parse(text) as Record<string, unknown>;
}

const modes: readonly (readonly [string, readonly string[]])[] = [
  ['in the cookie', []],
  ['in Redis', ['--redis']],
];

need('flask').describe('one login for Flask and Node', () => {
  need('flaskSession').describe('both from Debian', () => {
    need('pythonRedis').describe('with its Redis client', () => {
      need('nginx').describe('behind one nginx', () => {
        need('redis').describe('and Redis', () => {
          for (const [mode, args] of modes) {
            test(`sessions ${mode}: log in on Flask, change on Node, see it on Flask, log out on Node`, () =>
              story(args));
            test(`sessions ${mode}: ${WALKS} random walks`, () => walks(args), 600_000);
          }
        });
      });
    });
  });
});

async function story(args: readonly string[]): Promise<void> {
  const ann = browser(await started(...args));
  expect(await ask(ann, 'POST', '/flask/login?user=ann')).toMatchObject({ by: 'flask', user: 'ann' });
  expect(await ask(ann, 'GET', '/node/see')).toEqual({ by: 'node', user: 'ann', fields: {} });
  await ask(ann, 'POST', '/node/set?key=theme&value="dark"');
  expect(await ask(ann, 'GET', '/flask/see')).toMatchObject({ user: 'ann', fields: { theme: 'dark' } });
  await ask(ann, 'POST', '/flask/flash?text=Welcome');
  expect(await ask(ann, 'POST', '/node/flashes')).toMatchObject({ flashes: ['Welcome'] });
  expect(await ask(ann, 'POST', '/flask/flashes')).toMatchObject({ flashes: [] });
  const stolen = browser(ann.served, new Map(ann.cookies));
  await ask(ann, 'POST', '/node/logout');
  expect(await ask(ann, 'GET', '/flask/see')).toMatchObject({ user: null, fields: {} });
  // In Redis the session is gone; a cookie that somebody has copied is good until it expires, on both sides.
  if (args.length > 0) expect(await ask(stolen, 'GET', '/flask/see')).toMatchObject({ user: null, fields: {} });
  // Through the door that does not say whose it is.
  await ask(ann, 'POST', '/login?user=bob');
  for (let i = 0; i < 4; i++) expect(await ask(ann, 'GET', '/see')).toMatchObject({ user: 'bob' });
}

interface Model {
  user: string | null;
  readonly fields: Map<string, { value: unknown; type: string }>;
  flashes: string[];
}

/** One step on one side, and what it makes of the model. */
interface Step {
  readonly path: string;
  readonly side?: 'flask';
  apply(model: Model, side: 'flask' | 'node'): void;
}

const CART = 'dict{count: int, price: float, seat: tuple(str, int)}';

/** What JSON makes in Python. Node writes a whole Number as an int, wherever it came from. */
function typeOf(value: unknown, side: 'flask' | 'node'): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  if (Array.isArray(value)) return `list(${value.map((each) => typeOf(each, side)).join(', ')})`;
  const entries = Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1));
  return `dict{${entries.map(([key, each]) => `${key}: ${typeOf(each, side)}`).join(', ')}}`;
}

function stepOf(kind: number, key: string, value: unknown): Step {
  const text = encodeURIComponent(JSON.stringify(value));
  switch (kind) {
    case 0:
      return { path: '/login?user=ann', apply: (model) => void Object.assign(model, { user: 'ann' }) };
    case 1:
      return {
        path: '/logout',
        apply(model) {
          model.user = null;
          model.fields.clear();
          model.flashes = [];
        },
      };
    case 2:
      return {
        path: '/cart',
        side: 'flask',
        apply: (model) => void model.fields.set('cart', { value: newCart(), type: CART }),
      };
    case 3:
      return {
        path: '/count',
        apply(model) {
          const cart = model.fields.get('cart');
          if (cart) (cart.value as { count: number }).count++;
        },
      };
    case 4:
      return { path: `/drop?key=${key}`, apply: (model) => void model.fields.delete(key) };
    case 5:
      return { path: `/flash?text=${key}`, apply: (model) => void model.flashes.push(key) };
    case 6:
      return { path: '/flashes', apply: (model) => void Object.assign(model, { flashes: [] }) };
    default:
      return {
        path: `/set?key=${key}&value=${text}`,
        apply: (model, side) => void model.fields.set(key, { value, type: typeOf(value, side) }),
      };
  }
}

const newCart = () => ({ count: 1, price: 30, seat: ['A', 7] });

async function walks(args: readonly string[]): Promise<void> {
  const served = await started(...args);
  const value = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((each) => !Number.isInteger(each)),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(null, true, 'ü💥'),
    fc.array(fc.oneof(fc.integer(), fc.string()), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.integer(), { maxKeys: 3, noNullPrototype: true }),
  );
  const step = fc.tuple(fc.nat(11), fc.constantFrom('flask', 'node'), fc.constantFrom('a', 'b', 'c', 'cart'), value);
  const walk = fc.array(step as fc.Arbitrary<[number, 'flask' | 'node', string, unknown]>, {
    minLength: STEPS,
    maxLength: STEPS,
  });
  const seed = Number(process.env.SOJOURN_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const all = fc.sample(walk, { numRuns: WALKS, seed });
  const next = all.values();
  const walker = async () => {
    for (const steps of next) await oneWalk(served, steps, seed);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, walker));
}

async function oneWalk(served: Served, steps: readonly [number, 'flask' | 'node', string, unknown][], seed: number) {
  const visitor = browser(served);
  const model: Model = { user: null, fields: new Map(), flashes: [] };
  const way: string[] = [];
  for (const [kind, chosen, given, value] of steps) {
    // A cart is only ever made whole.
    const key = kind > 6 && given === 'cart' ? 'a' : given;
    const step = stepOf(kind, key, value);
    const side = step.side ?? chosen;
    way.push(`${side}${step.path}`);
    const where = `seed ${seed}: ${way.join(' > ')}`;
    const flashes = [...model.flashes];
    const answer = await ask(visitor, 'POST', `/${side}${step.path}`);
    step.apply(model, side);
    if (step.path === '/flashes') expect(answer.flashes, where).toEqual(flashes);
    await seenBy(visitor, model, where);
  }
}

async function seenBy(visitor: Visitor, model: Model, where: string): Promise<void> {
  const fields = Object.fromEntries([...model.fields].map(([key, { value }]) => [key, value]));
  const types = Object.fromEntries([...model.fields].map(([key, { type }]) => [key, type]));
  const { user } = model;
  expect(await ask(visitor, 'GET', '/node/see'), where).toEqual({ by: 'node', user, fields });
  expect(await ask(visitor, 'GET', '/flask/see'), where).toEqual({ by: 'flask', user, fields, types });
}
