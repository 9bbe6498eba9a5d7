/**
 * The client of the `memcached` package as promises, and what its silences mean.
 *
 * Its callbacks tell less than the server does: `false` stands for "somebody was quicker", for "there is nothing" and for an error of the
 * server alike, and a call whose connection is lost is never answered at all. So every call has a deadline, a reply must carry the
 * key that was asked for (replies of two commands may have changed places), and who stores asks again what `false` meant.
 *
 * Nor may more calls be under way than the client has connections: it takes a pool that is busy for a dead server, and then asks it nothing for
 * seconds. The rest waits here.
 *
 * Values are base64: the client splits replies into lines and converts them from and to UTF-8, which bytes survive only by escapes.
 */
import type { Environment } from '../../contract.js';
import { Deadlines } from '../../core/deadline.js';

/** What we use of a client: `new Memcached('127.0.0.1:11211')`. */
export interface MemcachedClient {
  gets(key: string, callback: (error: unknown, reply: unknown) => void): void;
  add(key: string, value: string, lifetime: number, callback: (error: unknown, stored: unknown) => void): void;
  cas(
    key: string,
    value: string,
    cas: string,
    lifetime: number,
    callback: (error: unknown, stored: unknown) => void,
  ): void;
  del(key: string, callback: (error: unknown, deleted: unknown) => void): void;
  settings?(callback: (error: unknown, settings: unknown) => void): void;
  stats?(callback: (error: unknown, stats: unknown) => void): void;
  readonly servers?: readonly string[];
  readonly poolSize?: number;
}

/** A value and the token that names this very state of it. */
export interface Held {
  readonly bytes: Buffer;
  readonly cas: string;
}

/** No call takes longer. The engine's own deadline is shorter; this one frees what waits behind a call that nobody will answer. */
const DEADLINE_MS = 3000;

/** What a client's call came to when it did not come to an answer. */
export class ClientTrouble extends Error {}

/** Of the client. */
const DEFAULT_POOL_SIZE = 10;

type Ask = (callback: (error: unknown, answer: unknown) => void) => void;

export class Client {
  readonly #client: MemcachedClient;
  readonly #deadlines: Deadlines;

  /** Calls that wait for others to be answered. As many as the engine lets through, and no longer than the deadline. */
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(client: MemcachedClient, environment: Environment) {
    this.#client = client;
    this.#free = client.poolSize ?? DEFAULT_POOL_SIZE;
    this.#deadlines = new Deadlines(environment, DEADLINE_MS);
  }

  async gets(key: string): Promise<Held | null> {
    const reply = await this.#ask((done) => this.#client.gets(key, done));
    if (reply === undefined || reply === false || reply === null) return null;
    const { cas, ...held } = reply as Record<string, unknown>;
    const [name, value] = Object.entries(held)[0] ?? ['', undefined];
    // The client puts its own namespace in front.
    if (!name.endsWith(key) || typeof cas !== 'string')
      throw new ClientTrouble('a reply does not belong to its command');
    return { bytes: typeof value === 'string' ? Buffer.from(value, 'base64') : Buffer.alloc(0), cas };
  }

  /** 'present': there is something under that key. 'refused': the server did not want the value. */
  async add(key: string, bytes: Buffer, seconds: number): Promise<'stored' | 'present' | 'refused'> {
    try {
      const stored = await this.#ask((done) => this.#client.add(key, bytes.toString('base64'), seconds, done));
      return stored === true ? 'stored' : 'refused';
    } catch (error) {
      const { cause } = error as { cause?: { notStored?: unknown } };
      if (cause?.notStored === true) return 'present';
      throw error;
    }
  }

  /** False when there is another state by now, or nothing; or when the server did not want the value. */
  async cas(key: string, bytes: Buffer, cas: string, seconds: number): Promise<boolean> {
    return (await this.#ask((done) => this.#client.cas(key, bytes.toString('base64'), cas, seconds, done))) === true;
  }

  async del(key: string): Promise<void> {
    await this.#ask((done) => this.#client.del(key, done));
  }

  /** What each server says of itself, as far as the client can ask. */
  async about(what: 'settings' | 'stats'): Promise<readonly Readonly<Record<string, unknown>>[]> {
    if (this.#client[what] === undefined) return [];
    const answer = await this.#ask((done) => this.#client[what]!(done));
    const all = Array.isArray(answer) ? answer : [answer];
    return all.filter((one) => typeof one === 'object' && one !== null);
  }

  close(): void {
    this.#deadlines.close();
  }

  #ask(ask: Ask): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let isUnderWay = false;
      let isOver = false;
      const silence = `no answer in ${this.#deadlines.callMs} ms`;
      const wait = this.#deadlines.begin({ spent: 0 }, () => {
        isOver = true;
        if (isUnderWay) this.#leave();
        reject(new ClientTrouble(silence));
      });
      this.#enter(() => {
        if (isOver) return this.#leave();
        isUnderWay = true;
        const done = (error: unknown, answer: unknown): void => {
          if (!this.#deadlines.end(wait)) return;
          this.#leave();
          if (error) reject(troubleOf(error));
          else resolve(answer);
        };
        try {
          ask(done);
        } catch (error) {
          done(error ?? new Error('the client failed'), undefined);
        }
      });
    });
  }

  #enter(run: () => void): void {
    if (this.#free === 0) this.#waiting.push(run);
    else {
      this.#free--;
      run();
    }
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

/** Of several errors the client hands over a list. */
function troubleOf(error: unknown): ClientTrouble {
  const first: unknown = Array.isArray(error) ? error[0] : error;
  const problem = first instanceof Error ? first.message : String(first);
  return new ClientTrouble(problem, { cause: first });
}
