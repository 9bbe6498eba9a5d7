/**
 * Plays a script twice at once, on the real engine and in the plain world, and compares whatever can be seen: what handlers
 * read, what `save` says, which cookie the answer sets, how often the store was written to, and what the store holds.
 *
 * Two things are asked of every value besides, whatever the plain world thinks: a note that a user wrote is seen by nobody
 * else, and the id of a session that was ended never opens anything again.
 */
import type { Codec, Environment, Indexed, Session, Sessions, Store } from 'sojourn';
import { expect } from 'vitest';
import { request as viewOf } from '../support/visitor.js';
import { PlainRequest } from './plain-request.js';
import { type Cookie, isOver, type Notes, ORDINARY, plainStore, REMEMBERED } from './plain-store.js';
import { type Action, BROWSERS, type Step, USERS } from './script.js';

export type Data = Record<string, string[]>;
export const OPTIONS = {
  idle: ORDINARY.idleMs,
  absolute: ORDINARY.absoluteMs,
  remember: { idle: REMEMBERED.idleMs, absolute: REMEMBERED.absoluteMs },
  sweep: false,
} as const;

/** A world that scripts can be played in, one after the other. */
export interface Stage {
  readonly s: Sessions<Data, Store & Indexed>;
  readonly store: Store;
  readonly codec: Codec;
  readonly clock: Environment & { advance(ms: number): void };
  /** How many writing verbs the store has seen so far. */
  writes(): number;
}

interface UnderWay {
  readonly browser: number;
  readonly session: Session<Data>;
  readonly plain: PlainRequest;
}

let runs = 0;

export async function play(stage: Stage, script: readonly Step[]): Promise<void> {
  const { s, clock } = stage;
  const plain = plainStore();
  const cookies: (Cookie | undefined)[] = new Array(BROWSERS).fill(undefined);
  const underWay: UnderWay[] = [];
  // Names of this run only, so that runs can share a store.
  const nameOf = (user: string) => `${user}-${run}`;
  const run = ++runs;
  let notes = 0;

  async function begin(browser: number): Promise<UnderWay> {
    const cookie = cookies[browser];
    const session = await s.open(viewOf(cookie && `__Host-sid=${cookie.secret.token}`));
    const request = { browser, session, plain: new PlainRequest(plain, cookie, clock.now()) };
    underWay.push(request);
    return request;
  }

  async function act({ session, plain }: UnderWay, action: Action): Promise<void> {
    plain.accessed = true;
    const note = `${plain.user ?? 'nobody'}:${++notes}`;
    switch (action.do) {
      case 'look':
        expect([session.user, session.isNew]).toEqual([plain.user, plain.isNew]);
        expect([...session.keys()].sort()).toEqual(plain.fields.keys().sort());
        break;
      case 'read':
        mustBeOwn(session.get(action.field), session.user);
        expect(session.get(action.field)).toEqual(plain.fields.get(action.field));
        break;
      case 'set':
        session.set(action.field, [note]);
        plain.fields.set(action.field, [note]);
        break;
      case 'delete':
        session.delete(action.field);
        plain.fields.set(action.field, undefined);
        break;
      case 'add':
        session.update(action.field, (all = []) => [...all, note]);
        plain.fields.add(action.field, note);
        break;
      case 'take':
        expect(session.take(action.field)).toEqual(plain.fields.take(action.field));
        break;
      case 'push':
        session.data[action.field]?.push(note);
        plain.fields.push(action.field, note);
        break;
      case 'login':
        session.login(nameOf(action.user), action.remember === undefined ? {} : { remember: action.remember });
        plain.login(nameOf(action.user), action.remember);
        break;
      case 'remember':
        session.remember(action.on);
        plain.remember(action.on);
        break;
      case 'rotate':
        session.rotate();
        plain.rotate();
        break;
      case 'destroy':
        session.destroy();
        plain.destroy();
        break;
      case 'save': {
        const before = [stage.writes(), plain.verbs] as const;
        const result = await session.save();
        expect(result).toBe(plain.save(clock.now(), () => session.id));
        mustHaveWritten(before, plain);
      }
    }
  }

  async function end({ browser, session, plain }: UnderWay, status: number, isLost: boolean): Promise<void> {
    const before = [stage.writes(), plain.verbs] as const;
    const lines = await s.save(session, status);
    if (!plain.accessed) return expect(lines).toEqual([]);
    plain.save(clock.now(), () => session.id);
    mustHaveWritten(before, plain);
    const { said } = plain;
    const isSilent =
      said.kind === 'nothing' ||
      (said.kind === 'clear' && !plain.presented) ||
      (said.kind === 'token' && !said.must && status === 304);
    const sent = lines.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value);
    expect(sent).toHaveLength(isSilent ? 0 : 1);
    if (isSilent) return expect(lines).toEqual([['Vary', 'Cookie']]);
    const maxAge = /Max-Age=(\d+)/.exec(sent[0] ?? '')?.[1];
    if (said.kind === 'token') {
      const [, token] = /^__Host-sid=([^;]+)/.exec(sent[0] ?? '') ?? [];
      said.cookie.secret.token ??= token as string;
      expect(token).toBe(said.cookie.secret.token);
      expect(token?.split('.')[0]).toBe(said.cookie.id);
      expect(maxAge).toBe(
        said.lifetimeMs === undefined ? undefined : String(Math.max(1, Math.ceil(said.lifetimeMs / 1000))),
      );
    } else expect(maxAge).toBe('0');
    if (!isLost) cookies[browser] = said.kind === 'token' ? said.cookie : undefined;
  }

  /** Reads cost no write; everything else costs one, or a second when somebody came first. */
  function mustHaveWritten([real, expected]: readonly [number, number], { verbs }: PlainRequest): void {
    const [done, due] = [stage.writes() - real, verbs - expected];
    expect(done).toBeGreaterThanOrEqual(due);
    expect(done).toBeLessThanOrEqual(due === 0 ? 0 : due + 2);
  }

  async function revoke(user: string, exceptOf: number | undefined): Promise<void> {
    const except = exceptOf === undefined ? undefined : cookies[exceptOf]?.id;
    const ids = plain.of(user, clock.now()).map(({ id }) => id);
    for (const id of ids) if (id !== except) plain.end(id);
    expect(await s.revoke(user, except === undefined ? {} : { except })).toBe(ids.filter((id) => id !== except).length);
  }

  /** What the store holds is what the plain world holds. */
  async function compare(): Promise<void> {
    for (const id of plain.ended) expect(await stage.store.load(id)).toBeNull();
    for (const session of plain.sessions.values()) {
      const stored = await stage.store.load(session.id);
      if (session.expiresAt <= clock.now()) {
        expect(stored).toBeNull();
        continue;
      }
      const { user, expiresAt, createdAt, generation, remember } = stored!.head;
      expect({ user, expiresAt, createdAt, generation, remember: remember === true }).toEqual({
        user: session.user,
        expiresAt: session.expiresAt,
        createdAt: session.createdAt,
        generation: session.generation,
        remember: session.remember,
      });
      const fields = new Map([...stored!.fields].map(([field, bytes]) => [field, stage.codec.decode(bytes) as Notes]));
      for (const seen of fields.values()) mustBeOwn(seen, user);
      expect(fields).toEqual(session.fields);
    }
    for (const user of USERS.map(nameOf)) {
      const listed = [];
      for await (const [id] of s.of(user)) listed.push(id);
      expect(listed.sort()).toEqual(
        plain
          .of(user, clock.now())
          .map(({ id }) => id)
          .sort(),
      );
    }
  }

  const some = (n: number): UnderWay | undefined => underWay[n % Math.max(1, underWay.length)];
  async function take(step: Step): Promise<void> {
    switch (step.step) {
      case 'begin':
        await begin(step.browser);
        break;
      case 'act': {
        const request = some(step.request);
        if (request !== undefined) await act(request, step.action);
        break;
      }
      case 'end': {
        const request = some(step.request);
        if (request === undefined) break;
        underWay.splice(underWay.indexOf(request), 1);
        await end(request, step.status, step.isLost);
        break;
      }
      case 'visit': {
        const request = await begin(step.browser);
        underWay.pop();
        for (const action of step.actions) await act(request, action);
        await end(request, 200, false);
        break;
      }
      case 'copy':
        cookies[step.to] = cookies[step.browser];
        break;
      case 'forget':
        cookies[step.browser] = undefined;
        break;
      case 'revoke':
        await revoke(nameOf(step.user), step.exceptOf);
        break;
      case 'wait':
        clock.advance(step.ms);
    }
  }

  for (const step of script) await take(step);
  for (const request of underWay.splice(0)) await end(request, 200, false);
  await compare();
  for (const [browser, cookie] of cookies.entries()) await lookAgain(browser, cookie);

  /** At the very end: who has a cookie sees what the plain world says, and nothing of a session that is over. */
  async function lookAgain(browser: number, cookie: Cookie | undefined): Promise<void> {
    const request = await begin(browser);
    const session = cookie && plain.sessions.get(cookie.id);
    if (session === undefined || isOver(session, clock.now())) expect(request.session.user).toBeUndefined();
    await act(request, { do: 'look' });
    for (const field of request.session.keys()) await act(request, { do: 'read', field: field as 'a' });
  }
}

/** Notes of `nobody` may be carried into an account, those of a user never out of it. */
function mustBeOwn(seen: Notes | undefined, user: string | undefined): void {
  const writers = new Set((seen ?? []).map((note) => note.split(':')[0]));
  for (const writer of writers) expect(['nobody', user]).toContain(writer);
}
