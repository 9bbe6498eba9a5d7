/**
 * What users see of an answer, on node:http and on both Expresses: no byte before the commit, and every way of answering
 * behaves as it would without sessions.
 */
import { createReadStream, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import express5 from 'express';
import express4 from 'express4';
import { beforeEach, describe, expect, test } from 'vitest';
import { browser, raw, type Served, serve } from '../../test/support/http.js';
import { tempFolder } from '../../test/support/temp.js';
import { cookie, memory, type Session, type Sessions, type SojournError, sessions, type } from '../index.js';
import { FaultPlan, faulty } from '../layers/faulty.js';
import { session as expressSession } from './express.js';
import { session as nodeSession } from './node.js';

interface Fields {
  n: number;
  user: string;
}
type S = Sessions<Fields, ReturnType<typeof memory>>;
type Answer = (req: IncomingMessage, res: ServerResponse, session: Session<Fields>) => unknown;

const file = join(tempFolder(), 'page.txt');
writeFileSync(file, 'x'.repeat(300_000));
let plan: FaultPlan;
let held: ReturnType<typeof memory>;
let s: S;
beforeEach(() => {
  plan = new FaultPlan();
  // Every commit and create takes a turn of the event loop, as it would over a network.
  plan.delay(() => new Promise(setImmediate), { verbs: ['create', 'commit'] });
  held = memory();
  s = sessions({ data: type<Fields>(), store: faulty(held, plan), sweep: false });
});

const frameworks: [string, (answer: Answer) => Promise<Served>][] = [
  ['node:http', (answer) => serve(nodeSession(s, answer))],
  [
    'Express 5',
    (answer) => {
      const app = express5();
      app.use(expressSession(s));
      app.use((req, res) => answer(req, res, s.from(req)));
      return serve(app);
    },
  ],
  [
    'Express 4',
    (answer) => {
      const app = express4();
      app.use(expressSession(s));
      app.use((req, res, next) => {
        Promise.resolve()
          .then(() => answer(req, res, s.from(req)))
          .catch(next);
      });
      return serve(app);
    },
  ],
];

describe.each(frameworks)('%s', (name, start) => {
  test('a visitor is remembered from one request to the next', async () => {
    const ann = browser(
      await start((_, res, session) => {
        session.update('n', (n = 0) => n + 1);
        res.end(String(session.get('n')));
      }),
    );

    const texts = [];
    for (let i = 0; i < 3; i++) texts.push(await (await ann.fetch('/')).text());

    expect(texts).toEqual(['1', '2', '3']);
  });

  test.each<[string, Answer]>([
    ['end', (_, res) => res.end('hello')],
    ['write and end', (_, res) => [res.write('hel'), res.end('lo')]],
    ['writeHead with an object', (_, res) => res.writeHead(200, { 'X-App': 'yes' }).end('hello')],
    ['flushHeaders', (_, res) => [res.flushHeaders(), res.end('hello')]],
    ['pipe', (_, res) => createReadStream(file).pipe(res)],
  ])('no byte leaves before the commit: %s', async (_, answer) => {
    const gate = plan.hold('create', 'after');
    const served = await start((req, res, session) => {
      session.set('n', 1);
      answer(req, res, session);
    });
    const socket = connect(served.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk;
    });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');

    await gate.arrived;
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    expect(received).toBe('');
    gate.release();
    await closed;

    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(received).toMatch(/\r\nset-cookie: sid=/i);
  });

  test.each<[string, Answer, number, Record<string, string>]>([
    [
      'an object',
      (_, res) => res.writeHead(201, { 'X-App': 'yes', 'Content-Type': 'text/plain' }).end('made'),
      201,
      { 'x-app': 'yes', 'content-type': 'text/plain' },
    ],
    [
      'a reason and an object',
      (_, res) => res.writeHead(202, 'Fine', { 'X-App': 'yes' }).end('made'),
      202,
      { 'x-app': 'yes' },
    ],
    ['a flat list', (_, res) => res.writeHead(200, ['X-App', 'a', 'X-App', 'b']).end('made'), 200, { 'x-app': 'a, b' }],
    [
      'headers set before',
      (_, res) => res.setHeader('X-App', 'old').writeHead(200, { 'X-App': 'new' }).end('made'),
      200,
      { 'x-app': 'new' },
    ],
  ])('writeHead with %s keeps the application’s headers and adds ours', async (_, answer, status, headers) => {
    const ann = browser(
      await start((req, res, session) => {
        session.set('n', 1);
        answer(req, res, session);
      }),
    );

    const response = await ann.fetch('/');

    expect(response.status).toBe(status);
    for (const [header, value] of Object.entries(headers)) expect(response.headers.get(header)).toBe(value);
    expect(response.headers.get('vary')).toBe('Cookie');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.getSetCookie()).toHaveLength(1);
    expect(await response.text()).toBe('made');
  });

  test('cookies, Vary and Cache-Control of the application are kept', async () => {
    const ann = browser(
      await start((_, res, session) => {
        session.set('n', 1);
        res.setHeader('Set-Cookie', ['theme=dark', 'lang=zh']);
        res.setHeader('Vary', 'Accept-Encoding');
        res.setHeader('Cache-Control', 'private, max-age=60');
        res.end();
      }),
    );

    const { headers } = await ann.fetch('/');

    expect(headers.getSetCookie().map((line) => line.split('=')[0])).toEqual(['theme', 'lang', 'sid']);
    expect(headers.get('vary')).toBe('Accept-Encoding, Cookie');
    expect(headers.get('cache-control')).toBe('private, max-age=60');
  });

  test('a public Cache-Control gives way when a cookie is set, and stays when none is', async () => {
    const ann = browser(
      await start((req, res, session) => {
        if (req.url === '/write') session.set('n', 1);
        else session.get('n');
        res.setHeader('Cache-Control', 'public, max-age=60');
        res.end();
      }),
    );

    expect((await ann.fetch('/write')).headers.get('cache-control')).toBe('no-store');
    expect((await ann.fetch('/read')).headers.get('cache-control')).toBe('public, max-age=60');
  });

  test('a long stream arrives whole and in order, through the pauses of a slow commit', async () => {
    const ann = browser(
      await start((req, res, session) => {
        session.set('n', 1);
        if (req.url === '/pipe') return createReadStream(file).pipe(res);
        for (let i = 0; i < 1000; i++) res.write(`${i}\n`);
        res.end('done');
      }),
    );

    expect(await (await ann.fetch('/pipe')).text()).toHaveLength(300_000);
    expect(await (await ann.fetch('/write')).text()).toBe(
      `${Array.from({ length: 1000 }, (_, i) => `${i}\n`).join('')}done`,
    );
  });

  test('callbacks of write and end are called, and the answer counts as begun while it is held', async () => {
    const heard: unknown[] = [];
    const ann = browser(
      await start((_, res, session) => {
        session.set('n', 1);
        heard.push(res.headersSent);
        res.write('a', () => heard.push('written'));
        heard.push(res.headersSent);
        res.end('b', () => heard.push('ended'));
      }),
    );

    expect(await (await ann.fetch('/')).text()).toBe('ab');
    expect(heard).toEqual([false, true, 'written', 'ended']);
  });

  test('HEAD has the headers and no body', async () => {
    const ann = browser(
      await start((_, res, session) => {
        session.set('n', 1);
        res.setHeader('Content-Length', 5);
        res.end('hello');
      }),
    );

    const response = await ann.fetch('/', { method: 'HEAD' });

    expect([await response.text(), response.headers.get('content-length')]).toEqual(['', '5']);
    expect(response.headers.getSetCookie()).toHaveLength(1);
  });

  test('a 304 that read the session varies by it and sets no cookie', async () => {
    const ann = browser(
      await start((req, res, session) => {
        if (req.url === '/login') session.login('ann', { remember: true });
        res.statusCode = req.url === '/login' ? 200 : 304;
        session.get('n');
        res.end();
      }),
    );
    await ann.fetch('/login');

    const response = await ann.fetch('/');

    expect([response.status, response.headers.get('vary'), response.headers.getSetCookie()]).toEqual([
      304,
      'Cookie',
      [],
    ]);
  });

  test('a redirect after login always finds the login', async () => {
    const ann = browser(
      await start((req, res, session) => {
        if (req.url === '/login') {
          session.login('ann');
          res.writeHead(303, { Location: '/home' }).end();
        } else res.end(session.user ?? 'nobody');
      }),
    );

    for (let i = 0; i < 20; i++) {
      const response = await ann.fetch('/login');
      expect([response.status, response.headers.get('location')]).toEqual([303, '/home']);
      expect(await (await ann.fetch('/home')).text()).toBe('ann');
    }
  });

  test('when the commit fails the prepared answer is replaced by a 503, without a cookie', async () => {
    plan.heal();
    plan.fail({ verbs: ['create'] });
    const ann = browser(
      await start((_, res, session) => {
        session.set('n', 1);
        res.writeHead(200, { 'Content-Type': 'text/html', 'Content-Length': '20', 'X-App': 'secret' });
        res.write('0123456789');
        res.end('0123456789');
      }),
    );

    const response = await ann.fetch('/');

    expect([response.status, await response.text()]).toEqual([503, 'Service Unavailable']);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(response.headers.get('x-app')).toBeNull();
    expect(response.headers.getSetCookie()).toEqual([]);
    plan.heal();
    expect((await ann.fetch('/')).status).toBe(200);
  });

  test('when the store cannot be read the answer is 503, the handler does not run, and the cookie stays good', async () => {
    let ran = 0;
    const ann = browser(
      await start((_, res, session) => {
        ran++;
        session.update('n', (n = 0) => n + 1);
        res.end(String(session.get('n')));
      }),
    );
    await ann.fetch('/');
    plan.fail({ verbs: ['load'] });

    const response = await ann.fetch('/');

    expect([response.status, ran, response.headers.getSetCookie()]).toEqual([503, 1, []]);
    plan.heal();
    expect(await (await ann.fetch('/')).text()).toBe('2');
  });

  test.each(['before', 'after an await'])(
    'a handler that throws %s is a 500; what it had changed is saved with that answer',
    async (when) => {
      const ann = browser(
        await start(async (req, res, session) => {
          if (req.url === '/count') return res.end(String(session.get('n')));
          if (when !== 'before') await new Promise(setImmediate);
          session.set('n', 1);
          throw new Error('oops');
        }),
      );

      const response = await ann.fetch('/');

      expect(response.status).toBe(500);
      expect(response.headers.getSetCookie()).toHaveLength(1);
      expect(await (await ann.fetch('/count')).text()).toBe('1');
    },
  );

  test('a value that cannot be kept, changed inside after it was set, is a 500 and not a hang', async () => {
    const ann = browser(
      await start((_, res, session) => {
        const basket: Record<string, unknown> = {};
        (session as unknown as Session).set('basket', basket);
        basket.self = basket;
        res.end('never sent');
      }),
    );

    const response = await ann.fetch('/');

    expect([response.status, await response.text()]).toEqual([500, 'Internal Server Error']);
  });

  test('a client that leaves early disturbs nobody, and what the handler finished is saved', async () => {
    let id = '';
    const served = await start(async (req, res, session) => {
      session.set('n', 7);
      id = session.id;
      if (req.url === '/slow') await new Promise((resolve) => res.on('close', resolve));
      res.end('to nobody');
    });
    const socket = connect(served.port, '127.0.0.1');
    socket.write('GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await expect.poll(() => id).not.toBe('');
    expect(held.load(id)).toBeNull();

    socket.destroy();

    await expect.poll(() => held.load(id)).not.toBeNull();
    const next = await raw(served, 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
    expect(next).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  test('a change after the answer has begun is an error that says so', async () => {
    let caught: SojournError | undefined;
    const ann = browser(
      await start((_, res, session) => {
        res.end('done');
        try {
          session.set('n', 1);
        } catch (error) {
          caught = error as SojournError;
        }
      }),
    );
    await (await ann.fetch('/')).text();

    expect(caught?.code).toBe('SOJOURN_TOO_LATE');
  });

  test('two requests on one connection get their own answers', async () => {
    const served = await start((req, res, session) => {
      session.set('n', Number(req.url?.slice(1)));
      res.end(`${req.url};`);
    });

    const text = await raw(
      served,
      'GET /1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /2 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
    );

    expect(text.match(/set-cookie/gi)).toHaveLength(2);
    expect(text.match(/\/\d;/g)).toEqual(['/1;', '/2;']);
  });

  test('behind a proxy that nobody trusts, a session cannot start, and the error names the setting', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const ann = browser(
      await start((_, res, session) => {
        session.set('n', 1);
        res.end();
      }),
    );

    const response = await ann.fetch('/', { headers: { 'X-Forwarded-Proto': 'https' } });

    expect([response.status, response.headers.getSetCookie()]).toEqual([500, []]);
    expect((await warned).message).toContain('trust');
  });

  test(`${name}: from() finds the session of a request, and refuses one that has none`, async () => {
    const ann = browser(await start((req, res, session) => res.end(String(s.from(req) === session))));

    expect(await (await ann.fetch('/')).text()).toBe('true');
    expect(() => s.from({})).toThrowError(expect.objectContaining({ code: 'SOJOURN_NO_SESSION' }));
  });
});

describe('what only Express has', () => {
  function app(setUp: (app: ReturnType<typeof express5>) => void) {
    const made = express5();
    made.use(expressSession(s));
    setUp(made);
    return serve(made).then(browser);
  }

  test('send, json, redirect, sendFile and a fresh 304', async () => {
    const ann = await app((a) => {
      a.use((req, _, next) => {
        s.from(req).update('n', (n = 0) => n + 1);
        next();
      });
      a.get('/send', (_, res) => void res.send('text'));
      a.get('/json', (req, res) => void res.json({ n: req.session.get('n') }));
      a.get('/redirect', (_, res) => res.redirect('/send'));
      a.get('/file', (_, res) => res.sendFile(file));
    });

    expect(await (await ann.fetch('/send')).text()).toBe('text');
    expect(await (await ann.fetch('/json')).json()).toEqual({ n: 2 });
    expect((await ann.fetch('/redirect')).status).toBe(302);
    expect(await (await ann.fetch('/file')).text()).toHaveLength(300_000);
    const { headers } = await ann.fetch('/send');
    const cookies = [...ann.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    // Not by fetch: it adds Cache-Control: no-cache to such a request, which forbids a 304.
    const fresh = await raw(
      ann.served,
      `GET /send HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookies}\r\nIf-None-Match: ${headers.get('etag')}\r\nConnection: close\r\n\r\n`,
    );
    expect(fresh).toMatch(/^HTTP\/1\.1 304 /);
    expect(fresh).toMatch(/\r\nVary: Cookie\r\n/);
    expect(fresh).not.toMatch(/set-cookie/i);
  });

  test('an outage reaches the application’s error handler with its status and code', async () => {
    const ann = await app((a) => {
      a.get('/', (req, res) => {
        s.from(req).set('n', 1);
        res.end();
      });
      const handler: express5.ErrorRequestHandler = (error: SojournError, _req, res, _next) => {
        res.status(error.status).json({ code: error.code });
      };
      a.use(handler);
    });
    await ann.fetch('/');
    plan.fail({ verbs: ['load'] });

    const response = await ann.fetch('/');

    expect([response.status, await response.json()]).toEqual([503, { code: 'SOJOURN_STORE' }]);
  });

  test('behind a trusted proxy that ends TLS the cookie is __Host-sid and Secure', async () => {
    const ann = await app((a) => {
      a.set('trust proxy', 'loopback');
      a.get('/', (req, res) => {
        s.from(req).set('n', 1);
        res.end();
      });
    });

    const { headers } = await ann.fetch('/', {
      headers: { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '192.0.2.1' },
    });

    expect(headers.getSetCookie()[0]).toMatch(/^__Host-sid=.*; Path=\/; HttpOnly; Secure|^__Host-sid=.*Secure/);
  });

  test('a session of another name lives beside it', async () => {
    const admin = sessions({
      data: type<Fields>(),
      store: memory(),
      transport: cookie({ name: '__Host-admin' }),
      sweep: false,
    });
    const ann = await app((a) => {
      a.use('/admin', expressSession(admin));
      a.get('/admin', (req, res) => {
        admin.from(req).set('user', 'root');
        s.from(req).set('n', 1);
        res.end();
      });
    });

    const { headers } = await ann.fetch('/admin');

    expect(
      headers
        .getSetCookie()
        .map((line) => line.split('=')[0])
        .sort(),
    ).toEqual(['admin', 'sid']);
  });
});
