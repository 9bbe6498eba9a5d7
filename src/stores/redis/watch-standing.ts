/**
 * Links for as long as anybody wants to hear: one set stands, or the next one is tried for.
 *
 * It is one loop. A set that is lost is thrown away whole, and another one is opened after a pause that grows with each failure, and in
 * part is left to chance: servers of one application lose Redis together, and should not come back together.
 */
import type { Environment } from '../../contract.js';
import { soon } from '../../core/environment.js';
import type { Door, Node } from './door.js';
import type { Dialing } from './link.js';
import { Links } from './watch-links.js';

export interface StandingOptions {
  readonly door: Door;
  readonly dialing: Dialing;
  readonly environment: Environment;
  /** What all our keys begin with. */
  readonly prefix: string;
}

export interface StandingEvents {
  invalidated(key: string | null): void;
  message(channel: string, payload: string): void;
  /** All links are open, and about to be used. Awaited, but not beyond the time that they may take to stand. */
  opened(links: Links): Promise<void>;
  stands(links: Links): void;
  lost(): void;
}

/** How long links may take to stand. */
const OPEN_MS = 2000;
/** How long one question to the user's client stands for those of all attempts. */
const SURVEY_MS = 10_000;
/** Between attempts: doubled with each, up to the longest; chance takes up to half off. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

export class StandingLinks {
  /** The links that stand. */
  links: Links | undefined;
  /** The one that the user's client uses. */
  database = 0;
  readonly #options: StandingOptions;
  readonly #events: StandingEvents;
  #isWanted = false;
  #isRunning = false;
  #hasWarned = false;
  #giveUp = (): void => {};
  #survey: Promise<void> | undefined;

  constructor(options: StandingOptions, events: StandingEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Idempotent, like `stop`. */
  start(): void {
    this.#isWanted = true;
    if (!this.#isRunning) void this.#run();
  }

  stop(): void {
    this.#isWanted = false;
    this.#giveUp();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let failures = 0; this.#isWanted; ) {
      failures = (await this.#standUntilLost()) ? 0 : failures + 1;
      if (this.#isWanted) await this.#pause(failures);
    }
    this.#isRunning = false;
  }

  /** One set of links from first to last. Never rejects; tells whether it ever stood. */
  async #standUntilLost(): Promise<boolean> {
    const { door, environment, prefix } = this.#options;
    const { invalidated, message } = this.#events;
    let lost: (cause: unknown) => void = () => {};
    const end = new Promise<unknown>((resolve) => {
      lost = resolve;
    });
    const shape = { isCluster: door.isCluster, probeKey: `${prefix}probe`, environment };
    const links = new Links(shape, {
      invalidated,
      message,
      lost: (cause) => {
        this.#leave(links);
        lost(cause);
      },
    });
    this.#giveUp = () => links.lose(undefined);
    const stop = soon(environment, OPEN_MS, OPEN_MS, () => links.lose(new Error('It took too long.')));
    const hasOpened = await Promise.race([this.#open(links), end.then(() => false)]);
    stop();
    if (!hasOpened || links.isOver) return false;
    this.links = links;
    this.#events.stands(links);
    await end;
    return true;
  }

  async #open(links: Links): Promise<boolean> {
    try {
      await this.#surveyed();
      await links.open(await this.#options.dialing.dials(this.database));
      await this.#events.opened(links);
      return true;
    } catch (error) {
      this.#warnOf(error);
      links.lose(error);
      return false;
    }
  }

  /** In the middle of whatever called it, so that nothing is believed to be watched for even a moment longer. */
  #leave(links: Links): void {
    if (links !== this.links) return; // it never stood, so nobody relied on it
    this.links = undefined;
    this.#events.lost();
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
    if (node && !door.isCluster) this.database = (await databaseOf(node)) ?? dialing.database;
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

  /** Once, and only of what does not pass by itself. What Redis says holds no secret. */
  #warnOf(error: unknown): void {
    const { message } = error as Error;
    if (this.#hasWarned || !/^(?:ERR|NOPERM|NOAUTH|WRONGPASS) /.test(message) || isPassing(message)) return;
    this.#hasWarned = true;
    process.emitWarning(
      `Changes of sessions cannot be heard, so no copies are kept: Redis says ${message}`,
      'SojournWarning',
    );
  }
}

/** What a server says when one connection of a link was lost while the other one was opened. */
function isPassing(message: string): boolean {
  return message.includes('client ID you want redirect to does not exist');
}

/** Undefined where the server is older than 6.2, or the user has few rights. */
async function databaseOf(node: Node): Promise<number | undefined> {
  const info = await node.send(['CLIENT', 'INFO']).catch(() => undefined);
  const found = /(?:^| )db=(\d+)/.exec(String(info));
  return found ? Number(found[1]) : undefined;
}
