/**
 * A new connection for a node-redis client whose old one is silent.
 *
 * The library has no "reconnect": there is `destroy()`, which ends the client, and `connect()`, which begins it again. Two things
 * must not happen. A client whose attempts to connect are still running would get a second series of them, and two sockets; so while
 * it has no socket it is left alone, its own attempts go on. And one that waits for the answer to its greeting is destroyed first and
 * connected when its series has ended: at once in release 6, after one more pause in release 5. `socketTimeout` was not relied upon:
 * it ends the client for good by default, and every command that is sent sets it back.
 */
export interface Reconnectable {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  on(event: 'connect' | 'ready' | 'error' | 'reconnecting' | 'end', listener: () => void): unknown;
  connect(): Promise<unknown>;
  destroy(): unknown;
}

/** A series of attempts that has not ended after so many calls will not: its client gave up by its own settings. */
const PATIENCE = 4;

class Reconnection {
  readonly #client: Reconnectable;
  /** It has a socket, and waits for the answer to its greeting. */
  #isGreeting = false;
  /** The client is destroyed, and its old series of attempts may still run. */
  #isEnding = false;
  #seriesMayEnd = (): void => {};
  /** An attempt has failed and was reported: only a series that goes on to another pause does that. */
  #hasFailed = false;
  #calls = 0;

  constructor(client: Reconnectable) {
    this.#client = client;
    client.on('connect', () => {
      this.#isGreeting = true;
    });
    for (const event of ['ready', 'error', 'end'] as const)
      client.on(event, () => {
        this.#isGreeting = false;
      });
    client.on('error', () => {
      this.#hasFailed = true;
    });
    // Release 5 says so at the end of its pause, whether it goes on or not.
    client.on('reconnecting', () => {
      this.#isGreeting = false;
      this.#seriesMayEnd();
    });
  }

  renew(): void {
    const client = this.#client;
    if (this.#isEnding) {
      if (++this.#calls >= PATIENCE) this.#seriesMayEnd();
    } else if (client.isOpen && client.isReady) {
      client.destroy();
      this.#begin();
    } else if (client.isOpen && this.#isGreeting) void this.#endFirst();
  }

  async #endFirst(): Promise<void> {
    this.#isEnding = true;
    this.#calls = 0;
    this.#hasFailed = false;
    const ended = new Promise<void>((resolve) => {
      this.#seriesMayEnd = () => setImmediate(resolve);
    });
    this.#client.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#hasFailed) await ended;
    this.#isEnding = false;
    if (!this.#client.isOpen) this.#begin();
  }

  /** What fails here fails again for whoever sends the next command. */
  #begin(): void {
    this.#client.connect().catch(() => {});
  }
}

/** One for each client, however many stores stand on it: it has to see the client's events from the start. */
const known = new WeakMap<Reconnectable, Reconnection>();

export function reconnectionOf(client: Reconnectable): Reconnection {
  let reconnection = known.get(client);
  if (!reconnection) {
    reconnection = new Reconnection(client);
    known.set(client, reconnection);
  }
  return reconnection;
}
