/**
 * Which messages are about our own writes, and so no news.
 *
 * Redis could leave them out (NOLOOP), but then it leaves out more than that: since 7.0 whatever happens while a command of ours runs
 * counts as ours, and that is when the server gives up keys that it can no longer remember (tracking-table-max-keys) and
 * evicts for want of memory. A session would be unwatched without a word (7.0.15, measured). So all messages come, and each own
 * write takes one away: it causes exactly one, because the script reads the key before it writes.
 *
 * The message and the reply to the write can come in either order. A message that comes while a write is under way waits for the
 * reply, which tells whether anything was written. Which of several messages is ours does not matter, only that one is: if another
 * one is taken for ours, ours is told as news a moment later. A beat settles what is still open, so nothing waits for longer.
 */
interface Own {
  /** Writes without a reply. */
  underWay: number;
  /** Messages that came meanwhile. */
  early: number;
  /** Own messages that are still to come, and since when. */
  due: number;
  dueSince: number;
  /** A beat has told the session changed: the write under way leaves no copy, and expects no message. */
  isTold: boolean;
}

export class OwnWrites {
  /** Bounded by the writes under way and those of one beat. */
  readonly #keys = new Map<string, Own>();

  begin(key: string): void {
    const own = this.#keys.get(key);
    if (own) own.underWay++;
    else this.#keys.set(key, { underWay: 1, early: 0, due: 0, dueSince: 0, isTold: false });
  }

  /** The reply to a write is there. True when others changed the session meanwhile, as far as is known. */
  end(key: string, wrote: boolean, now: number): boolean {
    const own = this.#keys.get(key);
    if (!own) return true;
    own.underWay--;
    if (wrote && !own.isTold) expectMessage(own, now);
    const isNews = own.underWay === 0 && (own.early > 0 || own.isTold);
    if (own.underWay === 0) {
      own.early = 0;
      own.isTold = false;
    }
    this.#forget(key, own);
    return isNews;
  }

  /** A message about the key came. True when it is news. */
  isNews(key: string): boolean {
    const own = this.#keys.get(key);
    if (!own) return true;
    if (own.due > 0) own.due--;
    else own.early++;
    this.#forget(key, own);
    return false;
  }

  /** Every message about what happened before `asOf` is there. Calls back for keys that may hold news. */
  settle(asOf: number, news: (key: string) => void): void {
    for (const [key, own] of this.#keys) {
      const isMissing = own.due > 0 && own.dueSince < asOf;
      if (isMissing) own.due = 0;
      if (own.early > 0) own.isTold = true;
      own.early = 0;
      if (isMissing || own.isTold) news(key);
      this.#forget(key, own);
    }
  }

  #forget(key: string, { underWay, due }: Own): void {
    if (underWay === 0 && due === 0) this.#keys.delete(key);
  }
}

function expectMessage(own: Own, now: number): void {
  if (own.early > 0) own.early--;
  else {
    own.due++;
    own.dueSince = now;
  }
}
