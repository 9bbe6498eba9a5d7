/** Sessions in the cookie on real servers, node:http and Express 5 and 4, with a browser's cookies. */
import { randomBytes } from 'node:crypto';
import express from 'express';
import express4 from 'express4';
import { cookie, encrypted, memory, type Store, sessions, signed } from 'sojourn';
import { session as expressSession } from 'sojourn/express';
import { session as nodeSession } from 'sojourn/node';
import { describe, expect, test } from 'vitest';
import { browser, serve } from './support/http.js';

interface Fields {
  views: number;
  big: string;
}
const keys = [randomBytes(32), randomBytes(32)];

function site(options: { revocations?: Store } = {}) {
  return sessions<Fields, Store>({
    seal: encrypted({ keys }),
    transport: cookie({ parts: 2 }),
    revocations: options.revocations ?? memory(),
  });
}
type Site = ReturnType<typeof site>;

/** The same application on each kind of server. */
const deeds: Readonly<Record<string, (visit: ReturnType<Site['from']>) => string>> = {
  '/': (visit) => `${visit.user ?? 'nobody'} ${visit.get('views') ?? 0}`,
  '/view': (visit) => {
    visit.update('views', (n = 0) => n + 1);
    return 'seen';
  },
  '/login': (visit) => {
    visit.login('ann');
    return 'welcome';
  },
  '/logout': (visit) => {
    visit.destroy();
    return 'goodbye';
  },
  '/big': (visit) => {
    visit.set('big', 'x'.repeat(4500));
    return 'big';
  },
  '/huge': (visit) => {
    visit.set('big', 'x'.repeat(20_000));
    return 'huge';
  },
};

const servers: Readonly<Record<string, (s: Site) => ReturnType<typeof serve>>> = {
  'node:http': (s) => serve(nodeSession(s, (req, res, visit) => void res.end(deeds[req.url!]!(visit)))),
  'Express 5': (s) => serve(expressApp(express(), s)),
  'Express 4': (s) => serve(expressApp(express4(), s)),
};

function expressApp<A extends { use(handler: unknown): unknown }>(app: A, s: Site): A & Parameters<typeof serve>[0] {
  app.use(expressSession(s));
  app.use((req: { path: string }, res: { send(text: string): void }) => res.send(deeds[req.path]!(s.from(req))));
  app.use(
    (error: { status: number }, _req: unknown, res: { status(n: number): { send(t: string): void } }, _: unknown) =>
      res.status(error.status).send('error'),
  );
  return app as A & Parameters<typeof serve>[0];
}

describe.each(Object.entries(servers))('%s', (_, start) => {
  test('a visitor comes, signs in, is known on the next server, and signs out everywhere', async () => {
    const revocations = memory();
    const [one, two] = [await start(site({ revocations })), await start(site({ revocations }))];
    const ann = browser(one);
    const text = async (path: string): Promise<string> => (await ann.fetch(path)).text();
    const first = await ann.fetch('/');
    expect([await first.text(), first.headers.getSetCookie()]).toEqual(['nobody 0', []]);
    await text('/view');
    await text('/login');
    await text('/view');
    expect(await text('/')).toBe('ann 2');

    const elsewhere = browser(two, new Map(ann.cookies));
    expect(await (await elsewhere.fetch('/')).text()).toBe('ann 2');
    await text('/logout');
    expect(ann.cookies.size).toBe(0);
    expect(await (await elsewhere.fetch('/')).text()).toBe('nobody 0');
  });

  test('ten requests at once: all of them count', async () => {
    const ann = browser(await start(site()));
    await ann.fetch('/view');
    await Promise.all(Array.from({ length: 10 }, () => ann.fetch('/view')));
    expect(await (await ann.fetch('/')).text()).toBe('nobody 11');
  });

  test('a long session takes two cookies; a longer one is a 500 before the answer, and the visitor stays', async () => {
    const ann = browser(await start(site()));
    await ann.fetch('/login');
    expect((await ann.fetch('/big')).headers.getSetCookie()).toHaveLength(2);
    const refused = await ann.fetch('/huge');
    expect([refused.status, refused.headers.getSetCookie()]).toEqual([500, []]);
    expect(await (await ann.fetch('/')).text()).toBe('ann 0');
    expect((await ann.fetch('/logout')).headers.getSetCookie()).toHaveLength(2);
    expect(ann.cookies.size).toBe(0);
  });
});

test('a server whose sessions are signed does not take those that are encrypted, and the other way round', async () => {
  const start = async (s: Site) => browser(await servers['node:http']!(s));
  const [a, b] = [
    await start(site()),
    await start(sessions<Fields, Store>({ seal: signed({ keys }), revocations: memory() })),
  ];
  await a.fetch('/login');
  await b.fetch('/login');
  const [own, other] = [new Map(a.cookies), new Map(b.cookies)];
  expect(await (await browser(a.served, other).fetch('/')).text()).toBe('nobody 0');
  expect(await (await browser(b.served, own).fetch('/')).text()).toBe('nobody 0');
  expect(await (await a.fetch('/')).text()).toBe('ann 0');
});
