/**
 * All links of a watched store, one to each server that has sessions: opened together, and lost together.
 *
 * Who keeps copies can only be told "you hear everything" or "you do not", so one lost link makes the whole set useless. What is
 * under way on the other links still gets its answer: a set that is retired closes when the last answer is in, or after a second.
 *
 * In a cluster a key belongs to the link of the server that has its slot. A slot that moves takes its keys along by deleting them
 * where they were, which is told like any other change; so after a MOVED only the table is read again. Only when the new owner
 * has no link does the set count as lost, and another one is opened. With each beat a key is read in a slot that the server should
 * have, since a master that was demoted answers a PING as merrily as before. What is not told: slots that an operator gives away
 * without their keys (SETSLOT NODE alone). Their sessions are gone, and copies of them live on for as long as they may.
 */
import { performance } from 'node:perf_hooks';
import type { Environment } from '../../contract.js';
import { soon } from '../../core/environment.js';
import type { Argument, Reply } from './door.js';
import type { Dial, Link, LinkEvents } from './link.js';
import { keyIn, ownersOf, slotOf } from './link-slots.js';
import { OwnWrites } from './watch-own.js';

export interface LinksEvents {
  invalidated(key: string | null): void;
  message(channel: string, payload: string): void;
  /** Once. From now on changes may be missed. */
  lost(cause: unknown): void;
}

export interface LinksOptions {
  readonly isCluster: boolean;
  /** Begins like our keys do, so that a user who may read them may read this. */
  readonly probeKey: string;
  readonly environment: Environment;
}

/** How long a retired set waits for answers that are under way. */
const DRAIN_MS = 1000;

interface Member {
  readonly link: Link;
  /** What the server calls itself in the cluster's table. */
  readonly id: string;
  /** Reads a key in one of its slots. */
  probe: readonly Argument[] | undefined;
  /** Beats that are not back. */
  owes: number;
}

export class Links {
  readonly #options: LinksOptions;
  readonly #events: LinksEvents;
  readonly #own = new OwnWrites();
  #dialled: readonly Link[] = [];
  #members: readonly Member[] = [];
  #owners: readonly (Link | undefined)[] = [];
  #remapping: Promise<void> | undefined;
  #beats = 0;
  #inFlight = 0;
  #isOver = false;

  constructor(options: LinksOptions, events: LinksEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Resolves when every server is linked. Rejects when one cannot be; then, or when it takes too long, call `retire`. */
  async open(dials: readonly Dial[]): Promise<void> {
    if (dials.length === 0) throw new Error('The client knows no server.');
    if (this.#isOver) throw new Error('Given up.');
    const events: LinkEvents = {
      invalidated: (key) => {
        if (key === null || this.#own.isNews(key)) this.#tell(key);
      },
      message: (channel, payload) => this.#isOver || this.#events.message(channel, payload),
      lost: (cause) => this.lose(cause),
    };
    this.#dialled = dials.map((dial) => dial(events));
    await Promise.all(this.#dialled.map((link) => link.open()));
    this.#members = await Promise.all(this.#dialled.map((link) => this.#member(link)));
    const [first] = this.#members;
    if (this.#options.isCluster && first) await this.#readTable(first);
  }

  /** True once it is lost or retired. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Undefined when nobody knows, or when that link is down: the ordinary way is open. */
  linkFor(key: string): Link | undefined {
    if (this.#isOver) return undefined;
    const link = this.#options.isCluster ? this.#owners[slotOf(key)] : this.#members[0]?.link;
    return link?.isUp ? link : undefined;
  }

  /** Sends on a link that `linkFor` gave. `wrote` tells from the reply to a write whether it changed the key. */
  async send(link: Link, key: string, args: readonly Argument[], wrote?: (reply: Reply) => boolean): Promise<Reply> {
    this.#inFlight++;
    if (wrote) this.#own.begin(key);
    let hasWritten = false;
    try {
      const reply = await link.send(args);
      hasWritten = wrote?.(reply) ?? false;
      return reply;
    } finally {
      if (wrote && this.#own.end(key, hasWritten, performance.now())) this.#tell(key);
      if (--this.#inFlight === 0 && this.#isOver) this.#close();
    }
  }

  /** Resolves when everything that was acknowledged before the call has been told. */
  async beat(): Promise<void> {
    const asOf = performance.now();
    await Promise.all(this.#members.map((member) => this.#beatOf(member)));
    this.#own.settle(asOf, (key) => this.#tell(key));
  }

  /** `link` said MOVED. Resolves when keys are routed by what it knows now. Never rejects: what cannot be repaired is a loss. */
  remap(link: Link): Promise<void> {
    const member = this.#members.find((each) => each.link === link);
    if (!member || this.#isOver) return Promise.resolve();
    this.#remapping ??= this.#readTable(member)
      .catch((error) => this.lose(error))
      .finally(() => {
        this.#remapping = undefined;
      });
    return this.#remapping;
  }

  /** `everywhere`: what each server publishes for itself, where it does and we may hear it. `once`: what a cluster hands on to all its servers. */
  async subscribe(everywhere: string, once: string): Promise<void> {
    const [first] = this.#members;
    const others = this.#members.map(({ link }) => link.subscribe(everywhere).catch(() => {}));
    await Promise.all([first?.link.subscribe(once), ...others]);
  }

  /** The set is of no more use, for a reason that its links did not tell. */
  lose(cause: unknown): void {
    if (this.#isOver) return;
    this.retire();
    this.#events.lost(cause);
  }

  /** Like `lose`, for a beat that does not come back. Links that owe an answer will not give any, so they close at once. */
  loseSilent(): void {
    for (const { link, owes } of this.#members) if (owes > 0) link.close();
    this.lose(new Error('A link did not answer in time.'));
  }

  /** Hears no more, takes no more, and closes as soon as what is under way has its answer. */
  retire(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#inFlight === 0) this.#close();
    else soon(this.#options.environment, DRAIN_MS, DRAIN_MS, () => this.#close());
  }

  #tell(key: string | null): void {
    if (!this.#isOver) this.#events.invalidated(key);
  }

  #close(): void {
    for (const link of this.#dialled) link.close();
  }

  async #member(link: Link): Promise<Member> {
    const id = this.#options.isCluster ? String(await link.send(['CLUSTER', 'MYID'])) : '';
    return { link, id, probe: undefined, owes: 0 };
  }

  async #beatOf(member: Member): Promise<void> {
    if (!member.link.isCurrent) throw new Error('The client talks to another server by now.');
    const { link, probe } = member;
    member.owes++;
    try {
      await Promise.all([link.beat(`beat ${++this.#beats}`), probe && link.send(probe)]);
    } catch (error) {
      if (!isMoved(error)) throw error;
      await this.remap(link);
      await link.beat(`beat ${++this.#beats}`);
    } finally {
      member.owes--;
    }
  }

  async #readTable({ link }: Member): Promise<void> {
    const ids = ownersOf(await link.send(['CLUSTER', 'SLOTS']));
    const links = new Map(this.#members.map((member) => [member.id, member.link]));
    const stranger = ids.find((id) => id !== undefined && !links.has(id));
    if (stranger !== undefined) throw new Error('Slots belong to a server that is not linked.');
    this.#owners = ids.map((id) => (id === undefined ? undefined : links.get(id)));
    for (const member of this.#members) {
      const slots = new Set(ids.flatMap((id, slot) => (id === member.id ? [slot] : [])));
      const key = keyIn(slots, this.#options.probeKey);
      member.probe = key === undefined ? undefined : ['EXISTS', key];
    }
  }
}

export function isMoved(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('MOVED ');
}
