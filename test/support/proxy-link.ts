/**
 * One connection through the fault proxy: a socket to the client, a socket to the server, and the weather between them.
 *
 * Both directions are cut into RESP frames, so that faults meet whole replies, or their middle, and so that each reply is known
 * to belong to a command: servers answer in order. What the client says of itself on the way (its name, tracking,
 * subscriptions) is noted, so that a test can pick the connection it means.
 */
import { connect, type Socket } from 'node:net';
import { type Frame, FrameScanner, wordsOf } from './proxy-frames.js';
import { Outlet } from './proxy-outlet.js';

/** What happens to everything that passes. */
export interface Weather {
  /** Replies come so much later. */
  readonly latencyMs: number;
  /** And by chance up to so much later still. */
  readonly jitterMs: number;
  /** Replies arrive in pieces of 1 to so many bytes; 0 leaves them whole. */
  readonly sliceTo: number;
  /**
   * hold: nothing gets through, and it all does when this is over. swallow: the link is half open; bytes and ends vanish, the
   * sockets stay. A link that has lost bytes never goes on: it is reset when this is over.
   */
  readonly requests: 'pass' | 'hold' | 'swallow';
  readonly replies: 'pass' | 'hold' | 'swallow';
  /** What was not asked for: RESP3 pushes, and what RESP2 subscribers are told. */
  readonly pushes: 'pass' | 'swallow';
  /** Those alone come so much later; replies overtake them. */
  readonly pushDelayMs: number;
}

export const FAIR: Weather = {
  latencyMs: 0,
  jitterMs: 0,
  sliceTo: 0,
  requests: 'pass',
  replies: 'pass',
  pushes: 'pass',
  pushDelayMs: 0,
};

/**
 * What happens to one reply. cut: the connection is reset in its place; cut within: in its middle. lose: neither it nor anything
 * after it arrives, and the connection stays. swallow: only it is missing, and the next one takes its place. twice: it comes
 * twice. hold: it waits, and all behind it, until it is released.
 */
export type Fate = 'pass' | 'cut' | 'cut within' | 'lose' | 'swallow' | 'twice' | 'hold';

/** Says what is to become of the reply to this command. `hold` gets the way to let it go. */
export type Judge = (link: Link, command: string, release: () => void) => Fate;

export interface LinkOptions {
  readonly number: number;
  readonly client: Socket;
  readonly port: number;
  readonly common: () => Weather;
  readonly random: () => number;
  readonly judge: Judge;
  readonly closed: () => void;
}

/** Replies that do not wait for their turn: to (un)subscribing, and what subscribers are told. */
const SUBSCRIBING = /^(?:p|s)?(?:un)?subscribe$/i;
const TOLD = /^(?:p|s)?(?:message|(?:un)?subscribe)$/;
/** No more than so much waits for a slow or held direction before the sender is told to wait. */
const MAX_WAITING = 8 * 1024 * 1024;

export class Link {
  readonly number: number;
  /** As the client named itself, by CLIENT SETNAME or HELLO. */
  name: string | undefined;
  /** True from CLIENT TRACKING ON on, as asked for; and from the first SUBSCRIBE. */
  tracking = false;
  subscribed = false;
  /** Commands that have come from the client. */
  commands = 0;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #options: LinkOptions;
  readonly #toServer: Outlet;
  readonly #toClient: Outlet;
  readonly #asked: string[] = [];
  #own: Partial<Weather> = {};
  #lossy = false;
  /** Replies that a test holds. */
  #holds = 0;
  #openEnds = 2;

  constructor(options: LinkOptions) {
    this.number = options.number;
    this.#options = options;
    this.#client = options.client;
    this.#server = connect({ port: options.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#toServer = new Outlet(this.#server, options.random);
    this.#toClient = new Outlet(this.#client, options.random);
    this.#carry(this.#client, this.#server, 'requests', this.#toServer, (frame) => this.#request(frame));
    this.#carry(this.#server, this.#client, 'replies', this.#toClient, (frame) =>
      this.#isTold(frame) ? this.#tell(frame.bytes) : this.#reply(frame),
    );
    this.refresh();
  }

  /** True while the client's end is open. */
  get open(): boolean {
    return !this.#client.destroyed;
  }

  /** Bytes that have got through. */
  get bytes(): { readonly requests: number; readonly replies: number } {
    return { requests: this.#toServer.written, replies: this.#toClient.written };
  }

  /** Weather of this link's own, over the proxy's. */
  set(weather: Partial<Weather>): void {
    this.#own = { ...this.#own, ...weather };
    this.refresh();
  }

  /** No weather of its own any more; reset if bytes were lost. */
  heal(): void {
    this.#own = {};
    if (this.#lossy) this.cut();
    else this.refresh();
  }

  /** Resets both sides: at once, or after so many more bytes of replies. */
  cut(afterBytes = 0): void {
    if (afterBytes > 0) {
      this.#toClient.limit = { bytes: this.#toClient.written + afterBytes, act: () => this.#cutSoon() };
      return;
    }
    for (const outlet of [this.#toServer, this.#toClient]) outlet.stop();
    for (const socket of [this.#client, this.#server]) reset(socket);
  }

  /** Takes note of changed weather. For the proxy. */
  refresh(): void {
    this.#toServer.hold(this.#weather.requests === 'hold');
    this.#toClient.hold(this.#holds > 0 || this.#weather.replies === 'hold');
  }

  get #weather(): Weather {
    return { ...this.#options.common(), ...this.#own };
  }

  #carry(
    from: Socket,
    to: Socket,
    direction: 'requests' | 'replies',
    outlet: Outlet,
    take: (frame: Frame) => void,
  ): void {
    const scanner = new FrameScanner();
    const pass = (frame: Frame): void => {
      if (this.#weather[direction] === 'swallow') this.#lossy = true;
      else take(frame);
    };
    from.on('data', (chunk: Buffer) => {
      for (const frame of scanner.feed(chunk)) pass(frame);
      if (outlet.waiting > MAX_WAITING) this.#pauseUntilEmpty(from, outlet);
    });
    const ends = (act: () => void): void => {
      if (this.#weather[direction] === 'swallow') this.#lossy = true;
      else outlet.send({ act, delayMs: direction === 'replies' ? this.#delayMs() : 0 });
    };
    from.on('end', () => {
      const rest = scanner.rest();
      if (rest.length > 0) pass({ bytes: rest, kind: 'opaque' });
      ends(() => to.end());
    });
    // A reset is passed on as one; so is a server that cannot be reached.
    from.on('error', () => ends(() => reset(to)));
    from.on('close', () => {
      if (!from.readableEnded) ends(() => reset(to));
      if (--this.#openEnds === 0) this.#options.closed();
    });
  }

  #pauseUntilEmpty(from: Socket, outlet: Outlet): void {
    from.pause();
    const look = setInterval(() => {
      if (outlet.waiting > MAX_WAITING / 2 && !from.destroyed) return;
      clearInterval(look);
      from.resume();
    }, 5);
  }

  #request({ bytes, kind }: Frame): void {
    if (kind === 'value') this.#note(wordsOf(bytes, 8));
    this.#toServer.send({ bytes });
  }

  #note(words: readonly string[]): void {
    this.commands++;
    const [verb = '', , third = ''] = words;
    const line = words.join(' ');
    if (/^client setname /i.test(line)) this.name = third;
    this.name = /^hello .*\bsetname (\S+)/i.exec(line)?.[1] ?? this.name;
    if (/^client tracking (?:on|off)/i.test(line)) this.tracking = third.toLowerCase() === 'on';
    if (SUBSCRIBING.test(verb)) this.subscribed = true;
    else this.#asked.push(line);
  }

  #reply({ bytes }: Frame): void {
    const command = this.#asked.shift() ?? '';
    const fate = this.#options.judge(this, command, () => {
      if (fate !== 'hold') return;
      this.#holds--;
      this.refresh();
    });
    const send = (bytes: Buffer, act?: () => void): void =>
      this.#toClient.send({
        bytes,
        delayMs: this.#delayMs(),
        sliceTo: this.#weather.sliceTo,
        ...(act === undefined ? {} : { act }),
      });
    if (fate === 'pass') send(bytes);
    else if (fate === 'twice') send(Buffer.concat([bytes, bytes]));
    else if (fate === 'cut') send(bytes.subarray(0, 0), () => this.cut());
    else if (fate === 'cut within') send(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => this.#cutSoon());
    else if (fate === 'hold') {
      this.#holds++;
      this.refresh();
      send(bytes);
    } else this.#lose(fate);
  }

  /** Node tells of an orderly end when it finds the last bytes and a reset together: so the reset comes a moment later. */
  #cutSoon(): void {
    this.#toClient.hold(true);
    setTimeout(() => this.cut(), 2);
  }

  #lose(fate: 'lose' | 'swallow'): void {
    this.#lossy = true;
    if (fate === 'lose') this.set({ replies: 'swallow' });
  }

  #isTold({ bytes, kind }: Frame): boolean {
    return kind === 'push' || (kind === 'value' && this.subscribed && TOLD.test(wordsOf(bytes, 1)[0] ?? ''));
  }

  #tell(bytes: Buffer): void {
    const { pushes, pushDelayMs, sliceTo } = this.#weather;
    if (pushes === 'swallow') return;
    const delayMs = this.#delayMs() + pushDelayMs;
    this.#toClient.send({ bytes, delayMs, sliceTo, loose: pushDelayMs > 0 });
  }

  #delayMs(): number {
    const { latencyMs, jitterMs } = this.#weather;
    return latencyMs + (jitterMs > 0 ? this.#options.random() * jitterMs : 0);
  }
}

/**
 * RST, and nothing before it. Node's resetAndDestroy() first ends the writing side in the orderly way, so that the peer may see
 * an end instead of a reset; the flag that it sets for its own later half is what we want of it.
 */
export function reset(socket: Socket): void {
  (socket as Socket & { resetAndClosing?: boolean }).resetAndClosing = true;
  socket.destroy();
}
