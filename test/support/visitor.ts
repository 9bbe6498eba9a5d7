/**
 * A visitor with a browser, without HTTP: each `visit` is one request that opens the session, runs a handler and saves,
 * and keeps the cookies it was given, as a browser would. `begin` splits a request in two, for overlapping ones.
 */
import type { HeaderLine, RequestView, Session, Sessions } from 'sojourn';

export interface Answer<R> {
  readonly result: R;
  readonly lines: readonly HeaderLine[];
}

export interface Visitor<T extends object> {
  readonly cookies: Map<string, string>;
  /** The whole Cookie header that the next request would send. */
  readonly header: string | undefined;
  visit<R>(handler: (session: Session<T>) => R | Promise<R>, status?: number): Promise<R>;
  /** The same, with the header lines that came back. */
  ask<R>(handler: (session: Session<T>) => R | Promise<R>, status?: number): Promise<Answer<R>>;
  /** Opens now; `end` saves and takes the cookies. */
  begin(): Promise<{ session: Session<T>; end(status?: number): Promise<readonly HeaderLine[]> }>;
}

export function request(cookie: string | undefined, headers: Record<string, string> = {}): RequestView {
  const all: Record<string, string | undefined> = { cookie, ...headers };
  return { secure: true, proxied: false, header: (name) => all[name] };
}

export function visitor<T extends object, S>(s: Sessions<T, S>, cookies: Map<string, string> = new Map()): Visitor<T> {
  const self: Visitor<T> = {
    cookies,
    get header() {
      return cookies.size === 0 ? undefined : [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    },
    async begin() {
      const session = await s.open(request(self.header));
      return {
        session,
        async end(status) {
          const lines = await s.save(session, status);
          receive(cookies, lines);
          return lines;
        },
      };
    },
    async ask(handler, status) {
      const { session, end } = await self.begin();
      const result = await handler(session);
      return { result, lines: await end(status) };
    },
    visit: async (handler, status) => (await self.ask(handler, status)).result,
  };
  return self;
}

function receive(cookies: Map<string, string>, lines: readonly HeaderLine[]): void {
  for (const [name, value] of lines) {
    if (name !== 'Set-Cookie') continue;
    const [pair = '', ...attributes] = value.split('; ');
    const cut = pair.indexOf('=');
    if (attributes.includes('Max-Age=0')) cookies.delete(pair.slice(0, cut));
    else cookies.set(pair.slice(0, cut), pair.slice(cut + 1));
  }
}
