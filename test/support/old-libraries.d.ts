/** Libraries without types of their own, as far as the tests of moving away from them need any. */
declare module 'cookie-session' {
  import type { RequestHandler } from 'express';

  function cookieSession(options: { readonly keys: readonly string[] }): RequestHandler;
  export = cookieSession;
}

declare module 'express-session' {
  import type { RequestHandler } from 'express';

  function expressSession(options: object): RequestHandler;
  namespace expressSession {
    class MemoryStore {
      get(id: string, callback: (error: unknown, session?: unknown) => void): void;
    }
  }
  export = expressSession;
}
