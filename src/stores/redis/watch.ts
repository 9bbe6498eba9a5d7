/**
 * Watching a Redis store: who keeps copies of sessions is told when they are no longer good, and who listens when sessions end.
 *
 * While somebody watches, commands about sessions go through links (./link.ts), so that the server knows what we hold. When the
 * links are lost, all watchers are deaf at once, and commands take the ordinary way through the user's client until new ones stand
 * (./watch-standing.ts). A beat now and then proves that nothing was missed; a link that does not answer for two of them is lost,
 * since a half-open connection never says so itself.
 *
 * The one rule for everything else: what did not go through a link of the present set is not watched, so its session is `changed`
 * before the answer is handed over. That covers loads while deaf, keys that moved, and answers that outlive their links.
 */
import { performance } from 'node:perf_hooks';
import type { Ended, Watchable, Watcher } from '../../contract.js';
import { CHECK_TAG } from './check.js';
import type { Argument, Reply } from './door.js';
import type { Link } from './link.js';
import { codeOf } from './trouble.js';
import { isMoved, type Links } from './watch-links.js';
import { type Listener, Listenings } from './watch-listening.js';
import { StandingLinks, type StandingOptions } from './watch-standing.js';

export interface WatchOptions extends StandingOptions {
  /** The session that a key belongs to; undefined for keys of other kinds, and of others. */
  idOf(key: string): string | undefined;
  /** The same for cells. */
  idOfCell(key: string): string | undefined;
  /** Where the destroy script publishes `<tag> <id>`, and the tag of this process, whose own messages are not news. */
  readonly ended: { readonly channel: string; readonly tag: string };
}

/** Whether a reply says that the key was written. */
export type Wrote = (reply: Reply) => boolean;

/** A beat that takes this many intervals is not waited for. */
const PATIENCE = 2;
/** How often links are checked, at least, for those who listen. */
const LISTEN_EVERY_MS = 1000;

interface Watching {
  readonly watcher: Watcher;
  readonly everyMs: number;
}

export class Watch implements Watchable {
  readonly #options: WatchOptions;
  readonly #standing: StandingLinks;
  readonly #watching = new Set<Watching>();
  readonly #listening: Listenings;
  /** When the beats that are not back yet were sent, oldest first. */
  readonly #beats = new Set<number>();
  #everyMs = LISTEN_EVERY_MS;
  #stopBeating = (): void => {};

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#listening = new Listenings(options.environment, () => this.#keepUp());
    this.#standing = new StandingLinks(options, {
      invalidated: (key) => (key === null ? this.#forgetAll() : this.#changed(key)),
      message: (channel, payload) => this.#message(channel, payload),
      opened: (links) => this.#subscribe(links),
      stands: (links) => {
        this.#beat();
        if (this.#listening.areWaiting) void this.#subscribe(links); // who came at the very last moment
      },
      lost: () => this.#deafen(),
    });
  }

  /**
   * Like `send` of the door, for commands about one session. `wrote`: tells from the reply to a script that reads, writes and reads the
   * key again whether it came to the writing. A command may be sent twice when its link is lost: scripts know their repeats.
   */
  send(key: string, args: readonly Argument[], wrote?: Wrote): Promise<Reply> {
    if (this.#watching.size === 0) return this.#options.door.send(key, args);
    const { links } = this.#standing;
    const link = links?.linkFor(key);
    return links && link ? this.#sendWatched(links, link, key, args, wrote) : this.#sendPlainly(key, args);
  }

  /** A reply on a link belonged to another command. False when there is no link that could be to blame. */
  loseStep(cause: unknown): boolean {
    const { links } = this.#standing;
    links?.lose(cause);
    return links !== undefined;
  }

  watch(watcher: Watcher, everyMs: number): () => void {
    const entry = { watcher, everyMs };
    this.#watching.add(entry);
    this.#keepUp();
    this.#beat();
    return () => {
      if (this.#watching.delete(entry)) this.#keepUp();
    };
  }

  /** Resolves when it is subscribed. Rejects when Redis forbids it, and when it takes too long. */
  listen(ended: Listener): Promise<() => void> {
    const begun = this.#listening.add(ended);
    this.#keepUp();
    const { links } = this.#standing;
    if (links) void this.#subscribe(links);
    return begun;
  }

  close(): void {
    this.#watching.clear();
    this.#listening.clear();
    this.#keepUp();
  }

  /** Links and beats, if anybody wants to hear. */
  #keepUp(): void {
    this.#stopBeating();
    this.#stopBeating = () => {};
    if (this.#watching.size + this.#listening.size === 0) {
      this.#standing.stop();
      return;
    }
    const wanted = [...this.#watching].map(({ everyMs }) => everyMs);
    this.#everyMs = Math.min(...wanted, this.#listening.size > 0 ? LISTEN_EVERY_MS : Number.POSITIVE_INFINITY);
    this.#stopBeating = this.#options.environment.every(this.#everyMs, () => this.#beat());
    this.#standing.start();
  }

  #beat(): void {
    const { links } = this.#standing;
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
      if (links === this.#standing.links && this.#beats.has(oldest)) links.loseSilent();
    });
  }

  #heard(links: Links, asOf: number): void {
    if (links !== this.#standing.links) return;
    this.#beats.delete(asOf);
    for (const { watcher } of this.#watching) watcher.heard(asOf);
  }

  #deafen(): void {
    this.#beats.clear();
    for (const { watcher } of this.#watching) watcher.deaf();
  }

  /** The server has forgotten all keys, and whatever it comes to know from now on it will tell. */
  #forgetAll(): void {
    for (const { watcher } of this.#watching) watcher.deaf();
    this.#beat();
  }

  #changed(key: string): void {
    const { idOf, idOfCell } = this.#options;
    const id = idOf(key) ?? idOfCell(key);
    if (id === undefined) return;
    for (const { watcher } of this.#watching) watcher.changed(id);
  }

  #message(channel: string, payload: string): void {
    const { ended, idOf } = this.#options;
    const [tag, id] = payload.split(' ');
    if (channel !== ended.channel) this.#tell(idOf(payload), 'expired');
    else if (tag !== ended.tag && tag !== CHECK_TAG) this.#tell(id, 'destroyed');
  }

  #tell(id: string | undefined, how: Ended): void {
    if (id) this.#listening.tell(id, how);
  }

  /** Never rejects: who may not subscribe can watch all the same. On links that are lost meanwhile, the next ones are tried. */
  async #subscribe(links: Links): Promise<void> {
    if (this.#listening.size === 0) return;
    try {
      await links.subscribe(`__keyevent@${this.#standing.database}__:expired`, this.#options.ended.channel);
      if (!links.isOver) this.#listening.subscribed();
    } catch (error) {
      if (codeOf(error) !== undefined) this.#listening.refused(error);
    }
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
      if (links !== this.#standing.links) this.#changed(key);
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
