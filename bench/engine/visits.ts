/**
 * An engine over a store, with sessions to visit, and the two verbs as an adapter calls them. Each visit makes a view of a
 * request of its own, as an adapter does.
 */
import {
  type HeaderLine,
  type MaybePromise,
  type RequestView,
  type Session,
  type Store,
  sessions,
  type,
} from 'sojourn';
import { type Sample, sample } from '../support/sample.js';

export interface Visited {
  /** The Cookie headers of the sessions there are. */
  readonly cookies: readonly string[];
  /** One of a visitor without a session. */
  readonly anonymous: string;
  open(header: string): Session<Sample>;
  save(session: Session<Sample>): MaybePromise<readonly HeaderLine[]>;
}

export async function visited(store: Store, count: number): Promise<Visited> {
  const s = sessions({ data: type<Sample>(), store });
  const open = (header: string): Session<Sample> => {
    const session = s.open(new View(header));
    if ('then' in session) throw new Error('This store is expected to answer at once.');
    return session;
  };
  const anonymous = 'theme=dark; lang=en-GB; _ga=GA1.2.1234567.890';
  const begin = async (): Promise<string> => {
    const session = open(anonymous);
    Object.assign(session.data, sample());
    const lines = await s.save(session);
    return fromNetwork(lines.find(([name]) => name === 'Set-Cookie')?.[1].split(';', 1)[0] ?? '');
  };
  const cookies = await Promise.all(Array.from({ length: count }, begin));
  return { cookies, anonymous, open, save: (session) => s.save(session) };
}

/** As small as an adapter's view of a request is. */
class View implements RequestView {
  readonly secure: boolean = true;
  readonly proxied: boolean = false;
  readonly #cookie: string;

  constructor(cookie: string) {
    this.#cookie = cookie;
  }

  header(name: string): string | undefined {
    return name === 'cookie' ? this.#cookie : undefined;
  }
}

/** Text that was put together is a tree until it is first read; a header from the network never is. */
function fromNetwork(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
