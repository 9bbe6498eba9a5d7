/**
 * A network that misbehaves on demand: a TCP proxy on loopback, in front of a server that is well.
 *
 * Tests steer it from the same process. Faults are of two kinds. Weather lasts, for all connections or for one, until `heal`:
 * latency, slices, silence. A fate meets one reply: the next one to a command that matches. So a fault is driven into the exact
 * moment that a test is about, instead of hoping for it. What chance decides (jitter, sizes of slices) comes from a seed.
 *
 * Toxiproxy's set of faults was the model. It was not taken, because it knows no replies: it cannot cut one in the middle,
 * give one twice, or hold back an invalidation alone.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { removeLater } from './cleanup.js';
import { onFreePort } from './ports.js';
import { FAIR, type Fate, Link, reset, type Weather } from './proxy-link.js';

export type { Fate, Link, Weather } from './proxy-link.js';

/** A reply that has met its fate. */
export interface Caught {
  readonly link: Link;
  /** The first words of the command: `EVALSHA 2f0c... 1 key`. Empty where the protocol is not RESP. */
  readonly command: string;
  /** Lets a reply go that is held. */
  release(): void;
}

export interface FaultProxy {
  readonly port: number;
  /** Open connections, oldest first. */
  readonly links: readonly Link[];
  /** How many connections have been made so far, the refused ones (`down('reset')`) included. */
  readonly accepted: number;
  /** Weather for all connections, also those to come. */
  set(weather: Partial<Weather>): void;
  /** The next reply to a command that matches (any, if none is given) meets this fate. Resolves when it has. */
  next(command: RegExp | undefined, fate: Fate): Promise<Caught>;
  /** Resets all connections. */
  cut(): void;
  /** All connections are reset and none is taken: 'refuse' closes the port, 'reset' accepts and resets. */
  down(how?: 'refuse' | 'reset'): Promise<void>;
  up(): Promise<void>;
  /** Fair weather, and no fates that have not come yet. Links that have lost bytes are reset. Does not end `down`. */
  heal(): void;
  /** Connections to come go to this port. */
  aim(port: number): void;
  close(): Promise<void>;
}

export interface FaultProxyOptions {
  readonly seed?: number;
}

/** Listens on a free port until the test file ends, in front of `port`. */
export async function faultProxy(port: number, { seed = 1 }: FaultProxyOptions = {}): Promise<FaultProxy> {
  const random = dice(seed);
  const links = new Set<Link>();
  let fates: { command: RegExp | undefined; fate: Fate; met: (caught: Caught) => void }[] = [];
  let weather: Weather = FAIR;
  let target = port;
  let accepted = 0;
  let refusing: 'no' | 'refuse' | 'reset' = 'no';
  let server = await onFreePort((own) => listening(own, accept));
  const own = (server.address() as { port: number }).port;

  function accept(client: Socket): void {
    accepted++;
    if (refusing !== 'no') reset(client);
    else join(client);
  }

  function join(client: Socket): void {
    const link: Link = new Link({
      number: accepted,
      client,
      port: target,
      common: () => weather,
      random,
      judge,
      closed: () => links.delete(link),
    });
    links.add(link);
  }

  function judge(link: Link, command: string, release: () => void): Fate {
    const at = fates.findIndex((each) => each.command === undefined || each.command.test(command));
    const [due] = at < 0 ? [] : fates.splice(at, 1);
    due?.met({ link, command, release });
    return due?.fate ?? 'pass';
  }

  function cut(): void {
    for (const link of links) link.cut();
  }

  async function down(how: 'refuse' | 'reset' = 'refuse'): Promise<void> {
    refusing = how;
    const closed = how === 'refuse' && server.listening ? closing(server) : undefined;
    cut();
    await closed;
  }

  async function up(): Promise<void> {
    if (!server.listening) server = await listening(own, accept);
    refusing = 'no';
  }

  const close = (): Promise<void> => down();
  removeLater({ remove: close, removeNow: cut });
  return {
    port: own,
    get links() {
      return [...links];
    },
    get accepted() {
      return accepted;
    },
    set(changes) {
      weather = { ...weather, ...changes };
      for (const link of links) link.refresh();
    },
    next: (command, fate) => new Promise((met) => fates.push({ command, fate, met })),
    cut,
    down,
    up,
    heal() {
      weather = FAIR;
      fates = [];
      for (const link of links) link.heal();
    },
    aim(to) {
      target = to;
    },
    close,
  };
}

function listening(port: number, accept: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Mulberry32: small, good enough to choose sizes with, and the same on every machine. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
