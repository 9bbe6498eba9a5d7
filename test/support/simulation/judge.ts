/**
 * What a ring promises, as a judge who knows everything that was asked: each rule tells when an answer is impossible.
 *
 * It does not look for one order of everything (a ring without consensus is not linearizable), only for what is promised: what has
 * settled is seen by everybody, what a process was told holds for that process, and calm heals. No rule depends on how a
 * ring works inside, so the same judge finds the naive one guilty.
 */
import type { Outcome, Stored } from '../../../src/contract.js';
import { isFailure } from '../../../src/errors.js';
import { START_MS } from './app-process.js';
import { type Look, type Operation, SECRET, type Story } from './history.js';
import { FIELDS, LOG } from './scenario.js';
import { type Rule, Violation } from './violation.js';

export interface JudgeOptions {
  /** How far the clock of a machine may be from the true time. */
  readonly skewMs: number;
  /** What is judged. */
  readonly rules: readonly Rule[];
  /** What was found. More than once, maybe. */
  readonly report: (violation: Violation) => void;
}

export class Judge {
  readonly #skewMs: number;
  readonly #rules: ReadonlySet<Rule>;
  readonly #report: (violation: Violation) => void;

  constructor({ skewMs, rules, report }: JudgeOptions) {
    this.#skewMs = skewMs;
    this.#rules = new Set(rules);
    this.#report = report;
  }

  /** `clockMs`: what the clock of that process said when it asked. */
  loaded(story: Story, look: Look, stored: Stored | null, clockMs: number): void {
    if (stored === null) {
      this.#absent(story, look);
      return;
    }
    this.#present(story, look);
    this.#deadline(story, look, stored);
    for (const field of FIELDS) this.#field(story, look, field, text(stored.fields.get(field)));
    this.#log(story, look, text(stored.fields.get(LOG)));
    this.#proof(story, look, stored, clockMs);
    this.#version(story, look, stored.head.version);
  }

  committed(story: Story, operation: Operation, look: Look, outcome: Outcome): void {
    if (outcome.status === 'gone') this.#absent(story, look, operation);
    else if (outcome.status === 'ok') this.#landed(story, operation, look, outcome.version);
    else {
      const { expect, replaces } = operation.effect;
      if (expect === undefined && replaces === undefined)
        this.#accuse('idle conflict', 'nothing was compared', story, operation);
      if (replaces === undefined && expect === text(outcome.fields.get(LOG)))
        this.#accuse('idle conflict', 'the field holds what was expected', story, operation);
    }
  }

  created(story: Story, answer: 'ok' | 'exists'): void {
    if (answer === 'exists') this.#accuse('exists', 'the id was fresh', story);
  }

  failed(story: Story, look: Look, error: unknown, operation?: Operation): void {
    const isTrouble = isFailure(error, 'SOJOURN_STORE') || isFailure(error, 'SOJOURN_CONTENDED');
    if (!isTrouble) this.#accuse('crashed', `${(error as Error)?.stack}`, story, operation);
    if (look.isCalm) this.#accuse('failed in calm', (error as Error).message, story, operation);
  }

  unanswered(story: Story, what: string): void {
    this.#accuse('unanswered', what, story);
  }

  /** The same load while one node was away, and the others had everything. */
  failedBesideSurvivors(story: Story, error: unknown): void {
    this.#accuse('failed beside a survivor', (error as Error).message, story);
  }

  #accuse(rule: Rule, message: string, story: Story, operation?: Operation): void {
    if (this.#rules.has(rule)) this.#report(new Violation(rule, message, story, operation));
  }

  #absent(story: Story, look: Look, refused?: Operation): void {
    const { creation } = story;
    if (!creation.isAcknowledged || creation.returned > look.called) return;
    const generation = refused?.effect.generation ?? Number.POSITIVE_INFINITY;
    const mayHaveEnded = story.operations.some(
      ({ effect, isPossible, called }) =>
        isPossible && called <= look.returned && (effect.destroys || (effect.nextGeneration ?? 0) > generation),
    );
    if (refused && mayBeOfAnotherLogin(story, refused, look)) return;
    if (this.#mayHaveExpired(story, look)) return;
    if (mayHaveEnded) {
      if (look.isCalm && refused === undefined) story.seenGone ??= look;
      return;
    }
    const rule = creation.isKnownTo(look.process, look.called) ? 'absent' : 'new one absent';
    this.#accuse(rule, `${look.process} was told so at ${look.returned.toFixed(1)}`, story, refused);
  }

  #present(story: Story, look: Look): void {
    for (const operation of story.operations) {
      if (!operation.effect.destroys || !operation.isKnownTo(look.process, look.called)) continue;
      const rule = operation.settled <= look.called ? 'revived' : 'revived at home';
      this.#accuse(rule, `${look.process} loaded it at ${look.returned.toFixed(1)}`, story, operation);
    }
    if (story.seenGone && story.seenGone.returned <= look.called) {
      const when = `${story.seenGone.process} saw in calm that it was gone, at ${story.seenGone.returned.toFixed(1)}`;
      this.#accuse('revived', `${when}; ${look.process} loaded it at ${look.returned.toFixed(1)}`, story);
    }
  }

  #landed(story: Story, operation: Operation, look: Look, version: number): void {
    for (const other of story.operations) {
      if (!other.isKnownTo(look.process, look.called)) continue;
      if (other.effect.destroys) {
        const rule = other.settled <= look.called ? 'revived' : 'revived at home';
        this.#accuse(rule, 'a write landed after the end', story, operation);
      }
      if ((other.effect.nextGeneration ?? 0) > operation.effect.generation)
        this.#accuse('old generation', 'it was begun before a login, and landed after it', story, operation);
    }
    this.#version(story, look, version);
  }

  #deadline(story: Story, look: Look, { head }: Stored): void {
    const at = `${look.process} loaded it at ${look.returned.toFixed(1)}`;
    const over = START_MS + look.called - this.#skewMs - 1 - head.expiresAt;
    if (over >= 0) this.#accuse('expired', `${at}, ${over.toFixed(1)} ms after its end by the slowest clock`, story);
    const latest = Math.max(
      ...story.operations.map((operation) => (isRefused(operation, look) ? 0 : (operation.effect.expiresAt ?? 0))),
    );
    if (head.expiresAt > latest) this.#accuse('prolonged', `${at}, and nobody has made it last so long`, story);
  }

  #field(story: Story, look: Look, field: string, value: string | null): void {
    const at = `${look.process} loaded ${field} = ${value} at ${look.returned.toFixed(1)}`;
    const writer = value === null ? undefined : this.#writer(story, look, field, value, at);
    for (const operation of story.operations) {
      const wrote = operation.effect.writes.get(field);
      if (wrote === undefined || wrote === value || !operation.isKnownTo(look.process, look.called)) continue;
      const isLost = value === null ? !mayHaveDeleted(story, look, field, operation) : writer?.isBefore(operation);
      if (!isLost || isOutlived(story, operation)) continue;
      const isSettled = operation.settled <= look.called;
      const rule = !isSettled ? 'own write unseen' : field === SECRET ? 'old secret' : 'lost';
      this.#accuse(rule, at, story, operation);
    }
  }

  #writer(story: Story, look: Look, field: string, value: string, at: string): Operation | undefined {
    const writer = story.writerOf(value);
    if (writer === undefined || writer.called > look.returned || writer.effect.writes.get(field) !== value)
      this.#accuse('invented', at, story);
    else if (isRefused(writer, look)) this.#accuse('refused yet written', at, story, writer);
    return writer;
  }

  #log(story: Story, look: Look, value: string | null): void {
    const entries = value === null || value === '' ? [] : value.split(',');
    const at = `${look.process} loaded ${value} at ${look.returned.toFixed(1)}`;
    for (const [index, entry] of entries.entries()) {
      const writer = story.writerOf(entry);
      if (writer === undefined || writer.called > look.returned) this.#accuse('invented', at, story);
      else if (isRefused(writer, look)) this.#accuse('refused yet written', at, story, writer);
      else if (entries.indexOf(entry) !== index) this.#accuse('written twice', at, story, writer);
    }
    for (const operation of story.operations) {
      const { entry } = operation.effect;
      if (entry === undefined || !operation.isCalm || !operation.isKnownTo(look.process, look.called)) continue;
      if (!entries.includes(entry)) this.#accuse('swap lost', at, story, operation);
    }
  }

  /** The secret, and the one before it as far as it opens the session. */
  #proof(story: Story, look: Look, { head }: Stored, clockMs: number): void {
    this.#field(story, look, SECRET, text(head.secret));
    const { previous } = head;
    if (previous?.opens !== 'session' || previous.until <= clockMs) return;
    const at = `${look.process} was let in with an old secret at ${look.returned.toFixed(1)}`;
    const writer = this.#writer(story, look, SECRET, text(previous.secret)!, at);
    for (const operation of story.operations) {
      const isLogin = operation.effect.nextGeneration !== undefined && operation !== writer;
      if (!isLogin || !operation.isKnownTo(look.process, look.called) || !writer?.isBefore(operation)) continue;
      if (!isOutlived(story, operation)) this.#accuse('old secret', at, story, operation);
    }
  }

  #version(story: Story, look: Look, version: number): void {
    if (!look.isCalm) return;
    const last = story.seen(look, version);
    if (version < last)
      this.#accuse('backwards', `${look.process} saw version ${last} before, and ${version} now`, story);
  }

  /** Whether the clock of anybody may say that its time is over, by any deadline that may be in force. */
  #mayHaveExpired(story: Story, look: Look): boolean {
    const touched = story.operations.filter(
      ({ effect, isPossible, called }) => effect.expiresAt !== undefined && isPossible && called <= look.returned,
    );
    const known = touched.filter((operation) => operation.isKnownTo(look.process, look.called));
    const inForce = touched.filter((operation) => !known.some((later) => operation.isBefore(later)));
    const earliest = Math.min(...inForce.map(({ effect }) => effect.expiresAt!));
    return earliest <= START_MS + look.returned + this.#skewMs + 1;
  }
}

/** Whoever asks while a write is still being refused may see it, and then not any more. */
function isRefused({ isPossible, returned }: Operation, { called }: Look): boolean {
  return !isPossible && returned <= called;
}

/** Two logins at the same time on two sides of a disturbed ring: one of them stays, and what was begun after the other is gone. */
function mayBeOfAnotherLogin(story: Story, { effect }: Operation, look: Look): boolean {
  const logins = story.operations.filter(
    (each) => each.effect.nextGeneration === effect.generation && each.called <= look.returned,
  );
  return logins.some((login) => login.isPossible && logins.some((other) => other !== login && !other.isBefore(login)));
}

/** A delete that may have come after this write. */
function mayHaveDeleted(story: Story, look: Look, field: string, wrote: Operation): boolean {
  return story.operations.some(
    (other) =>
      other.effect.writes.get(field) === null &&
      other.isPossible &&
      other.called <= look.returned &&
      !other.isBefore(wrote),
  );
}

/**
 * A write on one side of a disturbed ring, and on the other side a login that did not know of it: nothing from before
 * a login is left after it.
 */
function isOutlived(story: Story, operation: Operation): boolean {
  if (operation.isCalm) return false;
  const { effect, settled } = operation;
  const generation = effect.nextGeneration ?? effect.generation;
  return story.operations.some(
    (other) =>
      other !== operation &&
      other.isPossible &&
      (other.effect.nextGeneration ?? -1) >= generation &&
      other.called < settled &&
      !other.isBefore(operation),
  );
}

export function text(bytes: Uint8Array | null | undefined): string | null {
  return bytes ? Buffer.from(bytes).toString('latin1').replace(/ +$/, '') : null;
}
