/**
 * People who go on using a store while something is done to it, and a plain record of what they were told.
 *
 * Each has a session. They count one up by swaps, so that a lost write shows as a number that is too small and a write done twice as
 * one that is too large; they write a field over, rotate, and some log out. Every server is used by everybody, in turns.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { isFailure, type Store } from 'sojourn';

type Server = Pick<Store, 'load' | 'create' | 'commit' | 'destroy'>;

interface Visitor {
  readonly id: string;
  /** What was acknowledged, and what was asked for: after an error nobody knows. */
  count: number;
  mostCount: number;
  text: number;
  mostText: number;
  /** 'maybe': the logout was not acknowledged. */
  left: 'no' | 'maybe' | 'yes';
}

const HOUR_MS = 3_600_000;

export class Crowd {
  done = 0;
  failed = 0;
  readonly #servers: readonly Server[];
  readonly #visitors: readonly Visitor[];
  readonly #wrong: string[] = [];
  readonly #errors: unknown[] = [];
  #isOver = false;
  #running: Promise<unknown> = Promise.resolve();
  #turn = 0;

  constructor(servers: readonly Server[], size: number, name = 'visitor') {
    this.#servers = servers;
    this.#visitors = Array.from({ length: size }, (_, i) => ({
      id: `${name}-${i}`,
      count: 0,
      mostCount: 0,
      text: 0,
      mostText: 0,
      left: 'no',
    }));
  }

  async arrive(): Promise<void> {
    for (const { id } of this.#visitors) {
      const head = { createdAt: Date.now(), expiresAt: Date.now() + 24 * HOUR_MS, version: 1, generation: 0 };
      const fields = new Map([
        ['count', Buffer.from('0')],
        ['text', Buffer.from('0')],
      ]);
      if ((await this.#server().create(id, { head, fields })) !== 'ok') this.#wrong.push(`${id} was there before`);
    }
  }

  start(): void {
    this.#isOver = false;
    // One in eight leaves some time.
    this.#running = Promise.all(this.#visitors.map((visitor, i) => this.#stroll(visitor, i % 8 === 7)));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  /** What was answered and cannot be. */
  trouble(): readonly string[] {
    return this.#wrong;
  }

  /** What was not answered. */
  errors(): readonly unknown[] {
    return this.#errors;
  }

  /** Everybody finds what they were told, on every server. */
  async verify(): Promise<void> {
    for (const visitor of this.#visitors) for (const server of this.#servers) await this.#look(server, visitor);
    if (this.#wrong.length > 0) throw new Error(this.#wrong.slice(0, 10).join('\n'));
  }

  async #stroll(visitor: Visitor, mayLeave: boolean): Promise<void> {
    while (!this.#isOver) {
      try {
        const dice = Math.random();
        if (mayLeave && dice < 0.01) await this.#leave(visitor);
        else if (dice < 0.4) await this.#look(this.#server(), visitor);
        else if (dice < 0.7) await this.#countUp(visitor);
        else await this.#write(visitor);
        this.done++;
      } catch (error) {
        if (!isFailure(error, 'SOJOURN_STORE')) throw error;
        this.failed++;
        this.#errors.push(error);
        await wait(1);
      }
    }
  }

  async #look(server: Server, visitor: Visitor): Promise<void> {
    const { id, count, text, left } = visitor;
    const stored = await server.load(id);
    if (stored === null) {
      if (left === 'no') this.#wrong.push(`${id} was reported absent`);
      return;
    }
    if (left === 'yes') {
      this.#wrong.push(`${id} came back`);
      return;
    }
    this.#compare(id, 'count', stored.fields.get('count'), count, visitor.mostCount);
    this.#compare(id, 'text', stored.fields.get('text'), text, visitor.mostText);
  }

  #compare(id: string, field: string, bytes: Uint8Array | undefined, least: number, most: number): void {
    const value = Number(Buffer.from(bytes ?? []).toString());
    if (value < least) this.#wrong.push(`${id}: of ${least} in ${field}, ${value} are left`);
    if (value > most) this.#wrong.push(`${id}: ${value} in ${field}, and only ${most} were asked for`);
  }

  async #countUp(visitor: Visitor): Promise<void> {
    const server = this.#server();
    const stored = await server.load(visitor.id);
    if (stored === null) return this.#look(server, visitor);
    const before = stored.fields.get('count')!;
    const next = Number(Buffer.from(before).toString()) + 1;
    const most = visitor.mostCount;
    visitor.mostCount = Math.max(most, next);
    const outcome = await this.#commit(visitor, 'count', {
      op: 'swap',
      expect: before,
      value: Buffer.from(String(next)),
    });
    if (outcome === 'ok') visitor.count = Math.max(visitor.count, next);
    if (outcome === 'conflict') visitor.mostCount = most;
  }

  async #write(visitor: Visitor): Promise<void> {
    const next = ++visitor.mostText;
    if ((await this.#commit(visitor, 'text', { op: 'set', value: Buffer.from(String(next)) })) === 'ok')
      visitor.text = next;
  }

  async #commit(
    visitor: Visitor,
    field: string,
    write: Parameters<Store['commit']>[1]['fields'] extends ReadonlyMap<string, infer W> ? W : never,
  ) {
    const head = { expiresAt: Date.now() + 24 * HOUR_MS };
    const { status } = await this.#server().commit(visitor.id, {
      generation: 0,
      head,
      fields: new Map([[field, write]]),
    });
    if (status === 'gone' && visitor.left === 'no') this.#wrong.push(`${visitor.id} was told that the session is gone`);
    if (status === 'ok' && visitor.left === 'yes') this.#wrong.push(`${visitor.id} was written after the logout`);
    return status;
  }

  async #leave(visitor: Visitor): Promise<void> {
    if (visitor.left === 'no') visitor.left = 'maybe';
    await this.#server().destroy(visitor.id);
    visitor.left = 'yes';
  }

  #server(): Server {
    return this.#servers[this.#turn++ % this.#servers.length]!;
  }
}
