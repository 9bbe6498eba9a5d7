/**
 * Watching a Redis store: who keeps copies of sessions is told when they are no longer good, and who listens when sessions end.
 *
 * While somebody watches, commands about sessions go through links (./link.ts), so that the server knows what we hold. When the
 * links are lost, all watchers are deaf at once, commands take the ordinary way through the user's client, and new links are tried
 * for until they stand: this is one loop, `#run`. A beat now and then proves that nothing was missed; a link that does not answer
 * for two of them is lost, since a half-open connection never says so itself.
 *
 * The one rule for everything else: what did not go through a link of the present set is not watched, so its session is `changed`
 * before the answer is handed over. That covers loads while deaf, keys that moved, and answers that outlive their links.
 */
import { performance } from 'node:perf_hooks';
import type { Ended, Environment, Watchable, Watcher } from '../../contract.js';
import { soon } from '../../core/environment.js';
import type { Argument, Door, Node, Reply } from './door.js';
import type { Dialing, Link } from './link.js';
import { isMoved, Links } from './watch-links.js';

export interface WatchOptions {
  readonly door: Door;
  readonly dialing: Dialing;
  readonly environment: Environment;
  /** What all our keys begin with. */
  readonly prefix: string;
  /** The session that a key belongs to; undefined for keys of other kinds, and of others. */
  idOf(key: string): string | undefined;
  /** Where the destroy script publishes `<tag> <id>`, and the tag of this process, whose own messages are not news. */
  readonly ended: { readonly channel: string; readonly tag: string };
}

/** How long links may take to stand. */
const OPEN_MS = 2000;
/** How long one question to the user's client stands for those of all attempts. */
const SURVEY_MS = 10_000;
/** Between attempts: doubled with each, up to the longest; chance takes up to half off. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
/** A beat that takes this many intervals is not waited for. */
const PATIENCE = 2;
/** How often links are checked when somebody listens and nobody watches. */
const LISTEN_EVERY_MS = 1000;

interface Watching {
  readonly watcher: Watcher;
  readonly everyMs: number;
}
/** Whether a reply says that the key was written. */
export type Wrote = (reply: Reply) => boolean;
type Listener = (id: string, how: Ended) => void;

export class Watch implements Watchable {
  readonly #options: WatchOptions;
  readonly #watching = new Set<Watching>();
  readonly #listening = new Set<Listener>();
  /** The links that stand. Undefined: deaf. */
  #links: Links | undefined;
  #isRunning = false;
  #giveUp = (): void => {};
  #survey: Promise<void> | undefined;
  #database = 0;
  #trouble: unknown;
  /** When the beats that are not back yet were sent, oldest first. */
  readonly #beats = new Set<number>();
  #everyMs = LISTEN_EVERY_MS;
  #stopBeating = (): void => {};

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /**
   * Like `send` of the door, for commands about one session. `wrote`: tells from the reply to a script that reads, writes and reads the
   * key again whether it came to the writing. A command may be sent twice when its link is lost: scripts know their repeats.
   */
  send(key: string, args: readonly Argument[], wrote?: Wrote): Promise<Reply> {
    if (this.#watching.size === 0) return this.#options.door.send(key, args);
    const links = this.#links;
    const link = links?.linkFor(key);
    return links && link ? this.#sendWatched(links, link, key, args, wrote) : this.#sendPlainly(key, args);
  }

  watch(watcher: Watcher, everyMs: number): () => void {
    const entry = { watcher, everyMs };
    this.#watching.add(entry);
    this.#start();
    this.#beat();
    return () => {
      if (this.#watching.delete(entry)) this.#stopIfUnwanted();
    };
  }

  listen(ended: Listener): () => void {
    const listener: Listener = (id, how) => ended(id, how);
    this.#listening.add(listener);
    if (this.#links && this.#listening.size === 1) void this.#subscribe(this.#links);
    this.#start();
    return () => {
      if (this.#listening.delete(listener)) this.#stopIfUnwanted();
    };
  }

  /** For the operator: why nothing is heard. Undefined when all is well, or when nobody wants to hear. */
  get trouble(): string | undefined {
    return this.#trouble === undefined ? undefined : problemOf(this.#trouble);
  }

  close(): void {
    this.#watching.clear();
    this.#listening.clear();
    this.#stopIfUnwanted();
  }

  get #isWanted(): boolean {
    return this.#watching.size + this.#listening.size > 0;
  }

  #start(): void {
    this.#keepBeating();
    if (!this.#isRunning) void this.#run();
  }

  #stopIfUnwanted(): void {
    this.#keepBeating();
    if (!this.#isWanted) this.#giveUp();
  }

  /** Sets of links, one after the other, for as long as anybody wants to hear. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let failures = 0; this.#isWanted; ) {
      failures = (await this.#hearUntilLost()) ? 0 : failures + 1;
      if (this.#isWanted) await this.#pause(failures);
    }
    this.#isRunning = false;
  }

  /** One set of links from first to last. Never rejects; tells whether the links ever stood. */
  async #hearUntilLost(): Promise<boolean> {
    let lose: (cause: unknown) => void = () => {};
    const lost = new Promise<unknown>((resolve) => {
      lose = resolve;
    });
    const { door, environment, prefix } = this.#options;
    const links = new Links(
      { isCluster: door.isCluster, probeKey: `${prefix}probe`, environment },
      {
        invalidated: (key) => this.#invalidated(key),
        message: (channel, payload) => this.#message(channel, payload),
        lost: (cause) => {
          this.#deafen(links, cause);
          lose(cause);
        },
      },
    );
    this.#giveUp = () => links.lose(undefined);
    const tooLate = soon(environment, OPEN_MS, OPEN_MS, () => links.lose(new Error(`No links within ${OPEN_MS} ms.`)));
    try {
      await Promise.race([this.#open(links), lost.then((cause) => Promise.reject(cause))]);
    } catch (error) {
      links.lose(error);
      return false;
    } finally {
      tooLate();
    }
    this.#links = links;
    this.#beat();
    await lost;
    return true;
  }

  async #open(links: Links): Promise<void> {
    await this.#surveyed();
    await links.open(await this.#options.dialing.dials(this.#database));
    this.#trouble = undefined;
    if (this.#listening.size > 0) await this.#subscribe(links);
  }

  /** The user's client may keep a question for as long as it has no server, or for ever. So they are not piled up. */
  #surveyed(): Promise<void> {
    if (this.#survey) return this.#survey;
    const survey = this.#look();
    const forget = () => {
      if (this.#survey === survey) this.#survey = undefined;
    };
    const stop = soon(this.#options.environment, SURVEY_MS, SURVEY_MS, forget);
    survey
      .catch(() => {})
      .finally(() => {
        stop();
        forget();
      });
    this.#survey = survey;
    return survey;
  }

  /** A cluster client may have an old view of its cluster, and looks when it is asked for the masters. Others may have selected a database. */
  async #look(): Promise<void> {
    const { door, dialing } = this.#options;
    const [node] = await door.masters();
    if (node && !door.isCluster) this.#database = (await databaseOf(node)) ?? dialing.database;
  }

  /** Who may not subscribe can watch all the same. */
  async #subscribe(links: Links): Promise<void> {
    try {
      await links.subscribe(`__keyevent@${this.#database}__:expired`, this.#options.ended.channel);
    } catch (error) {
      this.#trouble = error;
    }
  }

  #pause(failures: number): Promise<void> {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
    return new Promise((resolve) => {
      const stop = soon(this.#options.environment, longest / 2, longest, resolve);
      this.#giveUp = () => {
        stop();
        resolve();
      };
    });
  }

  #deafen(links: Links, cause: unknown): void {
    this.#trouble = cause;
    if (links !== this.#links) return; // they never stood, so nobody relied on them
    this.#links = undefined;
    this.#beats.clear();
    for (const { watcher } of this.#watching) watcher.deaf();
  }

  #keepBeating(): void {
    this.#stopBeating();
    this.#everyMs = Math.min(LISTEN_EVERY_MS, ...[...this.#watching].map(({ everyMs }) => everyMs));
    this.#stopBeating = this.#isWanted ? this.#options.environment.every(this.#everyMs, () => this.#beat()) : () => {};
  }

  #beat(): void {
    const links = this.#links;
    if (!links) return;
    const asOf = performance.now();
    const [oldest = asOf] = this.#beats;
    if (asOf - oldest >= PATIENCE * this.#everyMs) {
      this.#loseUnlessHeard(links, oldest);
      return;
    }
    this.#beats.add(asOf);
    links.beat().then(
      () => this.#heard(links, asOf),
      (error) => links.lose(error),
    );
  }

  /** When this process itself was busy, the answer may lie in the socket: it is read before timers that follow. */
  #loseUnlessHeard(links: Links, oldest: number): void {
    setImmediate(() => {
      if (links === this.#links && this.#beats.has(oldest)) links.loseSilent();
    });
  }

  #heard(links: Links, asOf: number): void {
    if (links !== this.#links) return;
    this.#beats.delete(asOf);
    for (const { watcher } of this.#watching) watcher.heard(asOf);
  }

  #invalidated(key: string | null): void {
    if (key === null) {
      for (const { watcher } of this.#watching) watcher.deaf();
      this.#beat();
    } else this.#changed(key);
  }

  #changed(key: string): void {
    const id = this.#options.idOf(key);
    if (id === undefined) return;
    for (const { watcher } of this.#watching) watcher.changed(id);
  }

  #message(channel: string, payload: string): void {
    const { ended, idOf } = this.#options;
    const [tag, id] = payload.split(' ');
    if (channel !== ended.channel) this.#tell(idOf(payload), 'expired');
    else if (tag !== ended.tag) this.#tell(id, 'destroyed');
  }

  #tell(id: string | undefined, how: Ended): void {
    if (id) for (const listener of this.#listening) listener(id, how);
  }

  async #sendPlainly(key: string, args: readonly Argument[]): Promise<Reply> {
    try {
      return await this.#options.door.send(key, args);
    } finally {
      this.#changed(key);
    }
  }

  async #sendWatched(links: Links, link: Link, key: string, args: readonly Argument[], wrote?: Wrote): Promise<Reply> {
    try {
      const reply = await links.send(link, key, args, wrote);
      if (links !== this.#links) this.#changed(key);
      return reply;
    } catch (error) {
      if (isMoved(error)) void links.remap(link);
      if (isReadOnly(error)) links.lose(error);
      if (wasRefused(error) || !link.isUp) return this.#sendPlainly(key, args);
      throw error; // if it changed anything all the same, a message tells
    }
  }
}

/** Not carried out, because another server has the key. */
function wasRefused(error: unknown): boolean {
  return isMoved(error) || isReadOnly(error) || (error instanceof Error && error.message.startsWith('ASK '));
}

/** A master that was made a replica. */
function isReadOnly(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('READONLY ');
}

/** Undefined where the server is older than 6.2, or the user has few rights. */
async function databaseOf(node: Node): Promise<number | undefined> {
  const info = await node.send(['CLIENT', 'INFO']).catch(() => undefined);
  const found = /(?:^| )db=(\d+)/.exec(String(info));
  return found ? Number(found[1]) : undefined;
}

/** What Redis says holds no secret; what drivers say may hold addresses and passwords. */
function problemOf(error: unknown): string {
  const { message = '', code } = (error ?? {}) as { message?: string; code?: unknown };
  if (/^[A-Z]{2,} /.test(message)) return message;
  return typeof code === 'string' && /^[\w.-]{1,40}$/.test(code)
    ? `the driver failed with ${code}`
    : 'the connection was lost';
}
