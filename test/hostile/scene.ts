/**
 * Two servers on one store, two users who have done nothing wrong, and a third door without Node's guards.
 *
 * Server A is node:http, server B is Express; both stand behind a proxy that ends TLS and is trusted, so that the full
 * cookie `__Host-sid` is at stake. `direct` goes straight into transport and engine with header bytes decoded as latin1, as
 * Node decodes them: that is what an adapter without Node's own parser would hand over.
 */

import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import express from 'express';
import {
  cookie,
  type Events,
  json,
  type Session,
  type Sessions,
  type SessionsOptions,
  type Store,
  sessions,
  type Transport,
} from 'sojourn';
import { session as expressSession } from 'sojourn/express';
import { session as nodeSession } from 'sojourn/node';
import { type ControllableClock, controllableClock } from 'sojourn/testing';
import { expect } from 'vitest';
import { join, newToken } from '../../src/core/token.js';
import { removeLater } from '../support/cleanup.js';
import { EVENTS } from '../support/events.js';
import { raw, type Served, serve } from '../support/http.js';
import { type Call, recorded } from '../support/recorded.js';
import { request, visitor } from '../support/visitor.js';
import { type Witness, witness } from './aftermath.js';
import type { Placeholders } from './casebook.js';

export type Fields = Record<string, unknown>;
/** What a handler does; it may change the answer's status. */
export type Deed = (session: Session<Fields>, answer: { status: number }) => unknown;

/** How the application is put on the network. */
export interface Setting {
  readonly transport: Transport;
  /** The name of the cookie that this setting uses. */
  readonly name: string;
  readonly host: string;
  /** A trusted proxy stands in front that has ended TLS. */
  readonly proxy: boolean;
}
/** As in production. */
export const PRODUCTION: Setting = { transport: cookie(), name: '__Host-sid', host: 'shop.example', proxy: true };

/** What came back, over HTTP or directly. `status` 0: the connection ended without an answer. */
export interface Answer {
  readonly status: number;
  readonly setCookies: readonly string[];
  readonly vary: string | undefined;
  /** What the deed returned, in typed JSON; undefined when the deed did not run. */
  readonly result: unknown;
  readonly text: string;
}

/** One way in. `cookie` is the whole header value, as bytes. */
export interface Door {
  readonly name: string;
  /** Node's HTTP parser stands in front. */
  readonly guarded: boolean;
  /** `headers`: more header lines, each with its line end. */
  visit(cookie: Buffer | string | undefined, deed: Deed, headers?: Buffer | string): Promise<Answer>;
}

export interface Told {
  readonly event: keyof Events;
  readonly payload: unknown;
}

export interface Scene {
  readonly doors: readonly [node: Door, express: Door, direct: Door];
  /** The store itself; what is asked of it here is not counted. */
  readonly store: Store;
  readonly calls: Call[];
  readonly told: Told[];
  readonly clock: ControllableClock;
  readonly witness: Witness;
  readonly placeholders: Placeholders;
  readonly ids: { readonly alice: string; readonly mallory: string };
  /** The secret halves of all tokens that this scene knows. */
  readonly secrets: readonly string[];
  /** Forgets calls and events, to count anew. */
  forget(): void;
  /** The next ordinary requests of alice and mallory, on both servers: each sees the own data. */
  othersAreUnhurt(): Promise<void>;
}

const codec = json();

/** `openStore` is asked once for each server: two handles of one store, or twice the same. */
export async function scene(
  openStore: (clock: ControllableClock) => Store,
  setting: Setting = PRODUCTION,
  options: Partial<SessionsOptions<Fields, Store>> = {},
): Promise<Scene> {
  const clock = controllableClock();
  const calls: Call[] = [];
  const listener = witness();
  const told: Told[] = [];
  const engine = (): Sessions<Fields, Store> => {
    const s = sessions<Fields, Store>({
      store: recorded(openStore(clock), calls),
      transport: setting.transport,
      environment: clock,
      sweep: false,
      ...options,
    });
    for (const event of EVENTS) {
      s.on(event, (payload) => {
        if (event === 'destroyed' && 'reason' in payload && payload.reason === 'elsewhere') return; // 'late', heard of some time later
        told.push({ event, payload });
        listener.hear(
          `${event} ${JSON.stringify(payload, (_, value) => (value instanceof Error ? value.stack : value))}`,
        );
      });
    }
    return s;
  };
  const [atNode, atExpress] = [engine(), engine()];
  removeLater({
    remove: () => Promise.all([atNode.close(), atExpress.close()]).then(() => undefined),
    removeNow: () => {},
  });
  const hear = (answer: Answer): Answer => {
    listener.hear(answer.text);
    return answer;
  };
  const doors = [
    door('node:http', await serve(nodeListener(atNode, setting)), setting, hear),
    door('Express', await serve(expressApp(atExpress, setting)), setting, hear),
    directDoor(atNode, hear),
  ] as const;

  const signIn = async (user: string): Promise<{ token: string; id: string }> => {
    const browser = visitor(atNode);
    const id = await browser.visit((session) => {
      session.login(user);
      session.set('greeting', `hello of ${user}`);
      return session.id;
    });
    return { token: [...browser.cookies.values()][0]!, id };
  };
  const [alice, mallory, late] = [await signIn('alice'), await signIn('mallory'), await signIn('late')];
  await atNode.destroy(late.id);
  const stranger = newToken(randomBytes);
  const tokens = {
    '{ID}': alice.token,
    '{ID2}': mallory.token,
    '{DEAD}': late.token,
    '{UNKNOWN}': join(stranger.id, stranger.secret),
  };

  return {
    doors,
    store: openStore(clock),
    calls,
    told,
    clock,
    witness: listener,
    placeholders: { '{NAME}': setting.name, ...tokens },
    ids: { alice: alice.id, mallory: mallory.id },
    secrets: Object.values(tokens).map((token) => token.slice(token.indexOf('.') + 1)),
    forget() {
      calls.length = 0;
      told.length = 0;
    },
    async othersAreUnhurt() {
      for (const server of doors) {
        for (const [user, { token }] of [
          ['alice', alice],
          ['mallory', mallory],
        ] as const) {
          const { status, result } = await server.visit(`${setting.name}=${token}`, whoAndWhat);
          expect([server.name, status, result]).toEqual([server.name, 200, { user, greeting: `hello of ${user}` }]);
        }
      }
    },
  };
}

/** The handler that reads. */
export function whoAndWhat(session: Session<Fields>): { user: string | undefined; greeting: unknown } {
  return { user: session.user, greeting: session.get('greeting') };
}

/** What the handlers of the next requests do: requests of a scene come one after the other. */
let next: Deed = () => undefined;

function answerWith(session: Session<Fields>, response: ServerResponse): void {
  const answer = { status: 200 };
  const body = Buffer.from(codec.encode(next(session, answer)));
  response.statusCode = answer.status;
  response.end(body);
}

function nodeListener(s: Sessions<Fields, Store>, { proxy }: Setting): ReturnType<typeof nodeSession> {
  return nodeSession(s, (_, response, session) => answerWith(session, response), { trustProxy: proxy });
}

function expressApp(s: Sessions<Fields, Store>, { proxy }: Setting): ReturnType<typeof express> {
  const app = express();
  app.set('trust proxy', proxy);
  app.use(expressSession(s));
  app.use((req, response) => answerWith(s.from(req), response));
  return app;
}

function door(name: string, served: Served, { host, proxy }: Setting, hear: (answer: Answer) => Answer): Door {
  const first = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${proxy ? 'X-Forwarded-Proto: https\r\n' : ''}`;
  return {
    name,
    guarded: true,
    async visit(cookieHeader, deed, headers = '') {
      next = deed;
      const line =
        cookieHeader === undefined ? '' : Buffer.concat([bytes('Cookie: '), bytes(cookieHeader), bytes('\r\n')]);
      return hear(
        parsed(await send(served, Buffer.concat([bytes(first), bytes(line), bytes(headers), bytes('\r\n')]))),
      );
    },
  };
}

function directDoor(s: Sessions<Fields, Store>, hear: (answer: Answer) => Answer): Door {
  return {
    name: 'direct',
    guarded: false,
    async visit(cookieHeader, deed) {
      const header = cookieHeader === undefined ? undefined : bytes(cookieHeader).toString('latin1');
      const session = await s.open(request(header));
      const answer = { status: 200 };
      const result = deed(session, answer);
      const lines = await s.save(session, answer.status);
      const text = [...lines.map(([name, value]) => `${name}: ${value}`), '', JSON.stringify(result)].join('\r\n');
      const valuesOf = (wanted: string): string[] =>
        lines.filter(([name]) => name === wanted).map(([, value]) => value);
      return hear({
        status: answer.status,
        setCookies: valuesOf('Set-Cookie'),
        vary: valuesOf('Vary')[0],
        result,
        text,
      });
    },
  };
}

/** An answer that was cut off counts as none: Node may close a connection whose headers are too large before all was read. */
async function send(served: Served, message: Buffer): Promise<string> {
  try {
    return await raw(served, message);
  } catch {
    return '';
  }
}

/** In latin1, as it came. */
function parsed(text: string): Answer {
  const [head = '', ...body] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0);
  const valuesOf = (wanted: string): string[] =>
    lines.filter((line) => line.toLowerCase().startsWith(`${wanted}: `)).map((line) => line.slice(wanted.length + 2));
  return {
    status,
    setCookies: valuesOf('set-cookie'),
    vary: valuesOf('vary')[0],
    result: resultOf(status, lines, body.join('\r\n\r\n')),
    text,
  };
}

function resultOf(status: number, lines: readonly string[], body: string): unknown {
  if (status !== 200) return undefined;
  const isChunked = lines.some((line) => /^transfer-encoding: chunked$/i.test(line));
  return codec.decode(Buffer.from(isChunked ? unchunked(body) : body, 'latin1'));
}

function unchunked(body: string): string {
  let text = '';
  for (let rest = body; ; ) {
    const [size = '0'] = rest.split('\r\n', 1);
    const length = Number.parseInt(size, 16);
    if (!(length > 0)) return text;
    text += rest.slice(size.length + 2, size.length + 2 + length);
    rest = rest.slice(size.length + 2 + length + 2);
  }
}

function bytes(text: Buffer | string): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
}
