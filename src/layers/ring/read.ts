/**
 * Finding a session: one node's word where that is enough, and everybody's where it is not.
 *
 * The first owner that is sure (node.ts) is asked. Where it is late, the next one is asked as well, and the first to have
 * the session answers. "No such session" is believed only of a node that is sure, that still has the very synced
 * mark it had before, and after all other owners that can be reached have been asked. So a node that came back empty
 * signs nobody out. What is left when no such node is there is an outage, not an absence. Where not all owners are sure,
 * those who stand in for them are asked, too, before anything is believed that a sure owner has not said.
 *
 * A session that has ended is looked at on all nodes each time that somebody asks for it: who ended it may have died on the way.
 */
import type { Cell } from '../../contract.js';
import type { Carrying } from './carry.js';
import { type Copy, copyIn, isCorrupt } from './copy.js';
import type { Mending } from './mend.js';
import { findMoving } from './moving-read.js';
import type { Node } from './node.js';
import type { Place } from './place.js';
import { joinedAloud, type Shared, trouble } from './shared.js';
import { keptBy } from './stand-in.js';
import type { Synced } from './synced.js';

/** One in so many reads compares the copies. */
const COMPARED = 100;
/** A synced mark may be renewed between two questions; then all is asked once more. */
const ROUNDS = 2;
/** An owner that does not answer while its slot moves is asked until it does, or is down. */
const MOVING_ROUNDS = 4;

export class Reads {
  readonly #shared: Shared;
  readonly #synced: Synced;
  readonly #mending: Mending;
  readonly #carrying: Carrying;
  #reads = 0;

  constructor(shared: Shared, synced: Synced, mending: Mending, carrying: Carrying) {
    this.#shared = shared;
    this.#synced = synced;
    this.#mending = mending;
    this.#carrying = carrying;
  }

  /** What is known of the session; null when there is none. `atLeast`: a copy of an older version is not enough, if a newer one can be had. */
  async find(id: string, atLeast = 0): Promise<Copy | null> {
    const place = this.#shared.places.of(id);
    if (place.isMoving) return this.#findMoving(id, place, atLeast);
    const { owners } = place;
    for (let round = 1; ; round++) {
      const found = await this.#ask(id, owners, atLeast);
      if (found.copy !== null) {
        this.#compareNowAndThen(id, owners, found.isOdd || found.copy.replica.kind === 'ended');
        return found.copy;
      }
      if (found.isBelieved) return null;
      if (round === ROUNDS || found.trouble !== undefined) throw this.#unknown(found.trouble);
    }
  }

  async #findMoving(id: string, first: Place, atLeast: number): Promise<Copy | null> {
    let cause: unknown;
    for (let [round, place] = [1, first]; ; round++, place = this.#shared.places.of(id)) {
      const ask = async (nodes: readonly Node[], newcomers: readonly Node[]): Promise<Answer> => {
        const answer = await this.#ask(id, nodes, atLeast, newcomers);
        cause = answer.trouble ?? cause;
        return answer;
      };
      const found = await findMoving(this.#shared, this.#carrying, id, place, ask);
      if (found.copy !== null || found.isBelieved) return found.copy;
      // It may have settled meanwhile, or go on to move elsewhere.
      if (round >= MOVING_ROUNDS && this.#shared.places.of(id) === place) throw this.#unknown(cause);
    }
  }

  #ask(id: string, owners: readonly Node[], atLeast: number, newcomers: readonly Node[] = []): Promise<Answer> {
    const queue = inOrder(owners);
    if (queue.length === 0) return Promise.reject(this.#unknown(undefined));
    return new Promise((resolve, reject) => {
      const [shared, synced] = [this.#shared, this.#synced];
      new Question({ id, owners, newcomers, queue, atLeast, shared, synced, done: resolve, failed: reject }).next();
    });
  }

  #compareNowAndThen(id: string, owners: readonly Node[], isOdd: boolean): void {
    if (owners.length < 2) return;
    const isDue = ++this.#reads % COMPARED === 0;
    if (isDue) this.#shared.figures.compared++;
    if (isDue || isOdd) this.#mending.later(id);
  }

  #unknown(cause: unknown): unknown {
    if (isCorrupt(cause)) return cause;
    return trouble(this.#shared, 'load', 'no node that knows all of its sessions answers', cause);
  }
}

/** Those that can be asked, the sure ones first. The list itself where all are. */
export function inOrder(owners: readonly Node[]): readonly Node[] {
  if (owners.every(({ isUp, isSure }) => isUp && isSure)) return owners;
  const up = owners.filter(({ isUp }) => isUp);
  const sure = up.filter((node) => node.isSure);
  return [...sure, ...up.filter((node) => !sure.includes(node))];
}

interface Answer {
  readonly copy: Copy | null;
  /** For no copy: there is no such session. For a copy: a node has said so that is sure. */
  readonly isBelieved: boolean;
  /** All that were asked have said what they have, but those that are down by now. */
  readonly isHeard: boolean;
  /** The copies are worth a look. */
  readonly isOdd: boolean;
  /** What went wrong with those that did not answer. */
  readonly trouble: unknown;
}

interface QuestionSettings {
  readonly id: string;
  readonly owners: readonly Node[];
  /** Those of them whose absences prove nothing. */
  readonly newcomers: readonly Node[];
  /** Those of them that are asked, one after the other. */
  readonly queue: readonly Node[];
  readonly atLeast: number;
  readonly shared: Shared;
  readonly synced: Synced;
  readonly done: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;
}

/** One question to several nodes. */
class Question {
  readonly #settings: QuestionSettings;
  #asked = 0;
  #waiting = 0;
  #isOver = false;
  #hasAskedStandIns = false;
  /** Nodes that are sure, and did not answer. */
  readonly #silent: Node[] = [];
  /** These, and others that did not answer. */
  readonly #unheard: Node[] = [];
  /** A stand-in may have it, and did not say so. */
  #isDoubtful = false;
  /** What is there, of nodes that are not sure or not new enough. */
  #rest: Copy | null = null;
  #isOdd = false;
  #trouble: unknown;
  /** For each sure node that has no such session: whether it still has its mark. */
  readonly #absences: Promise<boolean>[] = [];

  constructor(settings: QuestionSettings) {
    this.#settings = settings;
  }

  /** Asks the next node, if there is one. */
  next(): void {
    const { queue, id, shared } = this.#settings;
    const node = queue[this.#asked];
    if (node === undefined) {
      this.#conclude();
      return;
    }
    this.#asked++;
    this.#waiting++;
    const mark = node.isSure ? node.mark! : undefined;
    const hedge = this.#asked < queue.length ? shared.deadlines.beginFor(node.hedgeMs, () => this.#hedge()) : undefined;
    node
      .ask('load', () => node.cells.read(id))
      .then(
        (cell) => {
          if (hedge !== undefined) shared.deadlines.end(hedge);
          this.#waiting--;
          if (!this.#isOver) this.#answered(node, mark, cell);
        },
        (error) => {
          if (hedge !== undefined) shared.deadlines.end(hedge);
          this.#waiting--;
          if (this.#isOver) return;
          this.#unheard.push(node);
          if (mark !== undefined) this.#silent.push(node);
          this.#failed(error);
        },
      );
  }

  #hedge(): void {
    if (this.#isOver) return;
    this.#settings.shared.figures.hedged++;
    this.next();
  }

  #answered(node: Node, mark: string | undefined, cell: Cell | null): void {
    const { id, newcomers, atLeast, shared, synced } = this.#settings;
    if (cell === null) {
      if (mark !== undefined && !newcomers.includes(node)) this.#absences.push(synced.isStillMarked(node, mark));
      this.next();
      return;
    }
    let copy: Copy;
    try {
      copy = copyIn(cell, id);
    } catch (error) {
      shared.news.tell('corrupt', { id, node: node.name });
      this.#failed(error);
      return;
    }
    if (node.isSure && !isOlder(copy, atLeast)) {
      this.#over(copy, true);
      return;
    }
    this.#rest = this.#rest === null ? copy : joinedAloud(shared, id, this.#rest, copy);
    this.#isOdd = true;
    this.next();
  }

  #failed(error: unknown): void {
    if (!isCorrupt(this.#trouble)) this.#trouble = error;
    this.next();
  }

  /** Nobody is left to ask. Some may not have answered yet. */
  #conclude(): void {
    if (this.#waiting > 0 || this.#isOver) return;
    if (!this.#hasAskedStandIns && !this.#isAllSaid()) {
      this.#askStandIns();
      return;
    }
    // A copy that may be old is better than none; but not while somebody who knows better is there, and was only too slow.
    const isEnough = !this.#isDoubtful && !this.#silent.some(({ isUp }) => isUp);
    if (this.#rest !== null && isEnough) {
      // What this process has seen or written counts as one more copy.
      const { id, shared } = this.#settings;
      const seen = shared.memo.get(id);
      this.#over(seen === null ? this.#rest : joinedAloud(shared, id, this.#rest, seen), false);
      return;
    }
    this.#isOver = true;
    const { done, failed } = this.#settings;
    Promise.all(this.#absences).then((sure) => {
      // What cannot be read is there.
      const isBelieved = sure.includes(true) && !isCorrupt(this.#trouble) && !this.#isDoubtful && this.#rest === null;
      const isRenewed = sure.length > 0 && !isBelieved;
      done({
        copy: null,
        isBelieved,
        isHeard: this.#isHeard(),
        isOdd: false,
        trouble: isRenewed ? undefined : (this.#trouble ?? NOBODY),
      });
    }, failed);
  }

  /** All owners are sure, and none has it. */
  #isAllSaid(): boolean {
    return this.#absences.length === this.#settings.owners.length;
  }

  #askStandIns(): void {
    this.#hasAskedStandIns = true;
    this.#waiting++;
    const { id, shared } = this.#settings;
    keptBy(shared, shared.places.of(id), id).then(
      (kept) => {
        this.#waiting--;
        if (kept !== null) this.#rest = this.#rest === null ? kept : joinedAloud(shared, id, this.#rest, kept);
        this.#conclude();
      },
      (error) => {
        this.#waiting--;
        this.#isDoubtful = true;
        this.#failed(error);
      },
    );
  }

  #over(copy: Copy, isBelieved: boolean): void {
    this.#isOver = true;
    const isOdd = this.#isOdd || this.#absences.length > 0;
    this.#settings.done({ copy, isBelieved, isHeard: this.#isHeard(), isOdd, trouble: undefined });
  }

  #isHeard(): boolean {
    return !this.#unheard.some(({ isUp }) => isUp);
  }
}

/** Why there is no answer, where nothing has failed: all who could be asked were not sure. */
const NOBODY = null;

function isOlder({ replica }: Copy, atLeast: number): boolean {
  return replica.kind === 'live' && replica.head.version < atLeast;
}
