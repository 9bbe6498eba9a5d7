/**
 * A world with one clock and one queue of events, in which nothing happens but what stands in the queue.
 *
 * It takes the earliest event, moves the clock there, runs it, and waits until all promises that this has set going have come to
 * rest: only then the next. One turn of `setImmediate` is that wait, and it is exact, not a guess: Node empties its queue of
 * promises before it runs the next callback, however long the chains are. It costs about a microsecond. So code
 * under test may use promises as it likes, but no timer and no clock of its own; a run that does is found by being played twice.
 *
 * Rejected: awaiting a fixed number of times (a longer chain slips through), fast-check's scheduler (it knows no time), fake timers
 * (they patch the globals of the test runner too).
 */

export interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

export class World {
  /** Milliseconds since the beginning, with fractions. */
  now = 0;
  /** What happened, for people to read and for comparing runs. Absent: nobody wants to know. */
  readonly trace: string[] | undefined;
  #order = 0;
  #isOver = false;
  readonly #heap: Event[] = [];

  constructor(options: { readonly trace?: boolean } = {}) {
    this.trace = options.trace ? [] : undefined;
  }

  note(line: () => string): void {
    this.trace?.push(`${this.now.toFixed(3).padStart(10)}  ${line()}`);
  }

  /** Of two events at the same time, the one that was asked for first comes first. */
  after(ms: number, run: () => void): Event {
    const event = { at: this.now + Math.max(ms, 0), order: ++this.#order, run, isCancelled: false };
    push(this.#heap, event);
    return event;
  }

  /** Nothing happens any more. */
  end(): void {
    this.#isOver = true;
  }

  /** Lets everything happen that is due until then. */
  run(until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        const event = this.#next(until);
        if (event === undefined) {
          if (!this.#isOver) this.now = Math.max(this.now, until);
          resolve();
          return;
        }
        this.now = event.at;
        try {
          event.run();
        } catch (error) {
          reject(error as Error);
          return;
        }
        setImmediate(turn);
      };
      setImmediate(turn);
    });
  }

  #next(until: number): Event | undefined {
    while (!this.#isOver && this.#heap.length > 0 && this.#heap[0]!.at <= until) {
      const event = pop(this.#heap);
      if (!event.isCancelled) return event;
    }
    return undefined;
  }
}

function isEarlier(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!isEarlier(event, heap[above]!)) break;
    heap[at] = heap[above]!;
    at = above;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event {
  const first = heap[0]!;
  const last = heap.pop()!;
  if (heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && isEarlier(heap[below + 1]!, heap[below]!)) below++;
    if (!isEarlier(heap[below]!, last)) break;
    heap[at] = heap[below]!;
    at = below;
  }
  heap[at] = last;
  return first;
}
