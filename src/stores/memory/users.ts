/**
 * Who has which ids: an index by user for what this process holds.
 *
 * It changes in the same step as what it points to, and so is exact: nobody has to look whether an entry still holds. A walk over
 * all sessions instead was rejected, for "log out everywhere" would take longer the more others are signed in.
 */

export class IdsByUser {
  readonly #ids = new Map<string, Set<string>>();

  /** Files `id` under another user than before. Undefined: under none. */
  move(id: string, before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    if (after !== undefined) this.#add(id, after);
    if (before !== undefined) this.#remove(id, before);
  }

  /** As of now. */
  of(user: string): readonly string[] {
    return [...(this.#ids.get(user) ?? [])];
  }

  #add(id: string, user: string): void {
    const ids = this.#ids.get(user);
    if (ids) ids.add(id);
    else this.#ids.set(user, new Set([id]));
  }

  #remove(id: string, user: string): void {
    const ids = this.#ids.get(user);
    ids?.delete(id);
    if (ids?.size === 0) this.#ids.delete(user);
  }
}
