/**
 * Nobody is ever answered with what belongs to somebody else, and nobody gets somebody else's cookie.
 *
 * Two hundred people ask at once over few connections. Some hang up at a random moment, replies of Redis arrive in random pieces, and
 * every value that is stored carries the name of its owner. So a reply that goes to the wrong request, at any joint between the
 * browser and Redis, is seen.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { Agent, request } from 'node:http';
import { sessions, type } from 'sojourn';
import { cached } from 'sojourn/cached';
import { session } from 'sojourn/node';
import { redis } from 'sojourn/redis';
import { expect } from 'vitest';
import { removeLater } from './support/cleanup.js';
import { runs } from './support/exam.js';
import { serve } from './support/http.js';
import { need } from './support/needs.js';
import { faultProxy } from './support/proxy.js';
import { startRedis } from './support/redis.js';
import { twoKinds } from './support/redis-clients.js';

const { test } = need('redis');

/** The issue asks for 200,000: four times the long form. */
const REQUESTS = runs(5000, 50_000);
const PEOPLE = 200;
const AT_ONCE = 64;
/** One request in so many is given up, within so many milliseconds. */
const GIVEN_UP = 5;
const GIVEN_UP_WITHIN_MS = 12;
/** Whoever has logged in stays for about so many requests. */
const LOGOUT = 40;
const LARGEST_BYTES = 3000;
const SLICE_BYTES = 400;

interface Fields {
  tag: string;
  note: string;
}

interface Person {
  readonly name: string;
  cookies: Map<string, string>;
  /** The session that this person was told of. */
  id: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly setCookie: readonly string[];
  readonly body: string;
}

for (const kind of twoKinds) {
  for (const mode of ['bare', 'cached'] as const) {
    test(`${kind.name}, ${mode}: no answer and no cookie for somebody else in ${REQUESTS} requests`, async () => {
      const { port, heal } = await application(kind, mode);
      const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
      removeLater({ remove: () => agent.destroy(), removeNow: () => agent.destroy() });
      const idle = Array.from({ length: PEOPLE }, (_, i) => newcomer(`person ${i}`));
      const owners = new Map<string, string>();
      const tally = { answered: 0, own: 0, givenUp: 0, signedIn: 0 };

      let left = REQUESTS;
      const asking = async (): Promise<void> => {
        while (left-- > 0) {
          const [person] = idle.splice(randomInt(idle.length), 1) as [Person];
          await once(person);
          idle.push(person);
        }
      };
      async function once(person: Person): Promise<void> {
        const path = pathFor(person);
        const answer = await ask(agent, port, path, person, randomInt(GIVEN_UP) === 0);
        if (answer === 'given up') {
          tally.givenUp++;
          // Nobody knows what became of it, so this is somebody new from now on.
          if (path !== '/read') Object.assign(person, newcomer(`${person.name}'`));
          return;
        }
        expect(answer.status, answer.body).toBe(200);
        tally.answered++;
        const { user, id, tag, note } = JSON.parse(answer.body) as Record<string, string | null>;
        const isIn = path.startsWith('/login') || (person.id !== undefined && path !== '/logout');
        if (isIn) {
          expect({ user, tag, note: ownerOf(note) }).toEqual({
            user: person.name,
            tag: person.name,
            note: person.name,
          });
          expect(owners.get(id!) ?? person.name).toBe(person.name);
          if (person.id !== undefined) expect(id).toBe(person.id);
          owners.set(id!, person.name);
          tally.own++;
        } else if (path === '/read') expect({ user, tag, note }).toEqual({ user: null, tag: null, note: null });
        person.id = isIn ? id! : undefined;
        if (path.startsWith('/login')) tally.signedIn++;
        receive(person, answer.setCookie);
      }
      await Promise.all(Array.from({ length: AT_ONCE }, asking));
      heal();

      expect(tally.answered + tally.givenUp).toBe(REQUESTS);
      expect(tally.own).toBeGreaterThan(REQUESTS / 2);
      expect(tally.givenUp).toBeGreaterThan(REQUESTS / 20);
      expect(tally.signedIn).toBeGreaterThan(PEOPLE / 2);
    }, 1_800_000);
  }
}

function newcomer(name: string): Person {
  return { name, cookies: new Map(), id: undefined };
}

function pathFor(person: Person): string {
  if (person.id === undefined) return randomInt(2) === 0 ? '/read' : `/login?name=${encodeURIComponent(person.name)}`;
  if (randomInt(LOGOUT) === 0) return '/logout';
  return randomInt(4) === 0 ? `/write?name=${encodeURIComponent(person.name)}` : '/read';
}

/** A cookie with a token must be of this person's own session. */
function receive(person: Person, setCookie: readonly string[]): void {
  for (const line of setCookie) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (/max-age=0/i.test(line)) person.cookies.delete(name);
    else person.cookies.set(name, value);
    if (value.includes('.')) expect(value.split('.')[0]).toBe(person.id);
  }
}

/** `ann:9f3c...`: whose it is, and something that others do not have. */
function ownerOf(note: string | null | undefined): string | undefined {
  return note?.split(':')[0];
}

async function application(kind: (typeof twoKinds)[number], mode: 'bare' | 'cached') {
  const server = await startRedis();
  const proxy = await faultProxy(server.port);
  const { client } = await kind.connect({ url: `redis://127.0.0.1:${proxy.port}` });
  const bare = redis(client);
  const options = { data: type<Fields>(), sweep: false, deadline: '1m' } as const;
  const s = mode === 'cached' ? sessions({ ...options, store: cached(bare) }) : sessions({ ...options, store: bare });
  removeLater({ remove: () => s.close(), removeNow: () => {} });
  proxy.set({ sliceTo: SLICE_BYTES, jitterMs: 1 });
  const { port } = await serve(
    session(s, (req, res, visit) => {
      const { pathname, searchParams } = new URL(req.url ?? '', 'http://localhost');
      const name = searchParams.get('name') ?? '';
      if (pathname === '/login') {
        visit.login(name);
        visit.set('tag', name);
      }
      if (name !== '') visit.set('note', `${name}:${randomBytes(randomInt(LARGEST_BYTES)).toString('base64')}`);
      const { user = null, id = null } = visit;
      const answer = { user, id, tag: visit.get('tag') ?? null, note: visit.get('note') ?? null };
      if (pathname === '/logout') visit.destroy();
      res.end(JSON.stringify(answer));
    }),
  );
  return { port, heal: () => proxy.heal() };
}

function ask(
  agent: Agent,
  port: number,
  path: string,
  { cookies }: Person,
  givesUp: boolean,
): Promise<Answer | 'given up'> {
  const Cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  return new Promise((resolve, reject) => {
    const asked = request({ agent, port, host: '127.0.0.1', path, headers: { Cookie } }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      answer.on('error', () => resolve('given up'));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, setCookie: answer.headers['set-cookie'] ?? [], body }),
      );
    });
    asked.on('error', (error) => (givesUp ? resolve('given up') : reject(error)));
    asked.end();
    if (givesUp) setTimeout(() => asked.destroy(), Math.random() * GIVEN_UP_WITHIN_MS);
  });
}
