/**
 * Own messages are told from news, in whatever order messages and replies arrive.
 *
 * A small server, two connections to it, and a cache that follows the rules of the near cache; fast-check chooses who does what when,
 * and when what is delivered. Whatever happens, a beat that is back leaves no copy older than what was written before it was sent.
 */
import { assert, constantFrom, array as listOf, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../../test/support/exam.js';
import { OwnWrites } from './watch-own.js';

const KEY = 's:id';
const RUNS: number = runs(3_000, 100_000);

const steps = ['load', 'write', 'failing write', 'foreign', 'beat', 'execute', 'execute', 'reply', 'message'] as const;
type Step = (typeof steps)[number];

type Request =
  | { readonly what: 'load' | 'write' | 'failing write'; readonly askedAt: number }
  | { readonly what: 'beat'; readonly beat: Beat };
interface Beat {
  readonly asOf: number;
  /** The version that everybody must know of. */
  readonly version: number;
  pongs: number;
}

class Scene {
  readonly told: number[] = [];
  #clock = 0;
  // The server.
  #version = 1;
  #isTracked = false;
  // What is on its way: to the server, and back on two connections. On one connection all comes in the second.
  readonly #requests: Request[] = [];
  readonly #replies: (() => void)[] = [];
  readonly #messages: (() => void)[];
  // The client.
  readonly #own = new OwnWrites();
  #copy: number | undefined;
  /** When the last change was told: answers to earlier questions are not kept. */
  #toldAt = 0;

  constructor(connections: 1 | 2) {
    this.#messages = connections === 1 ? this.#replies : [];
  }

  step(step: Step): void {
    this.#clock++;
    if (step === 'foreign') this.#change();
    else if (step === 'execute') this.#execute();
    else if (step === 'reply') this.#replies.shift()?.();
    else if (step === 'message') this.#messages.shift()?.();
    else if (step === 'beat') this.#ask({ what: step, beat: { asOf: this.#clock, version: this.#version, pongs: 0 } });
    else {
      if (step !== 'load') this.#own.begin(KEY);
      this.#ask({ what: step, askedAt: this.#clock });
    }
  }

  /** Everything under way arrives. */
  drain(): void {
    while (this.#requests.length + this.#replies.length + this.#messages.length > 0) {
      for (const step of ['execute', 'reply', 'message'] as const) this.step(step);
    }
  }

  get copyIsNewest(): boolean {
    return this.#copy === undefined || this.#copy === this.#version;
  }

  get hasCopy(): boolean {
    return this.#copy !== undefined;
  }

  #ask(request: Request): void {
    this.#requests.push(request);
  }

  #execute(): void {
    const request = this.#requests.shift();
    if (!request) return;
    if (request.what === 'beat') {
      const pong = () => this.#pong(request.beat);
      this.#replies.push(pong);
      this.#messages.push(pong);
      return;
    }
    const { what, askedAt } = request;
    this.#isTracked = true; // each of them reads
    if (what !== 'write') {
      const version = this.#version;
      this.#replies.push(() => (what === 'load' ? this.#loaded(askedAt, version) : this.#written(askedAt, undefined)));
      return;
    }
    const version = ++this.#version;
    // The message of one's own write follows its reply, and the script has read the key once more by then.
    this.#replies.push(() => this.#written(askedAt, version));
    this.#messages.push(() => this.#message());
  }

  /** Somebody else writes. */
  #change(): void {
    this.#version++;
    if (this.#isTracked) this.#messages.push(() => this.#message());
    this.#isTracked = false;
  }

  #message(): void {
    if (this.#own.isNews(KEY)) this.#changed();
  }

  #changed(): void {
    this.told.push(this.#clock);
    this.#toldAt = this.#clock;
    this.#copy = undefined;
  }

  #loaded(askedAt: number, version: number): void {
    this.#copy = this.#toldAt < askedAt ? version : undefined;
  }

  #written(askedAt: number, version: number | undefined): void {
    if (this.#own.end(KEY, version !== undefined, this.#clock)) this.#changed();
    const isNext = this.#copy !== undefined && this.#copy + 1 === version && this.#toldAt < askedAt;
    this.#copy = isNext ? version : undefined;
  }

  #pong(beat: Beat): void {
    if (++beat.pongs < 2) return;
    this.#own.settle(beat.asOf, () => this.#changed());
    if (this.#copy !== undefined) expect(this.#copy).toBeGreaterThanOrEqual(beat.version);
  }
}

const someSteps = (allowed: readonly Step[]) => listOf(constantFrom(...allowed), { maxLength: 40 });

for (const connections of [1, 2] as const) {
  describe(`over ${connections} connection${connections === 1 ? '' : 's'}`, () => {
    test('no copy is older than what has arrived, or was written before a beat that is back', () => {
      assert(
        property(someSteps(steps), (chosen) => {
          const scene = new Scene(connections);
          for (const step of chosen) scene.step(step);
          scene.drain();
          expect(scene.copyIsNewest).toBe(true); // what has arrived has been told, without a beat
        }),
        { numRuns: RUNS },
      );
    });

    test('where nobody else writes nothing is told, and a session that is written stays at hand', () => {
      // Over two connections a beat that crosses a write may settle it a moment too early, which costs a copy.
      const others: readonly Step[] = connections === 1 ? ['foreign'] : ['foreign', 'beat'];
      const alone = steps.filter((step) => !others.includes(step));
      assert(
        property(someSteps(alone), (chosen) => {
          const scene = new Scene(connections);
          for (const step of ['load', 'execute', 'reply', ...chosen] as const) scene.step(step);
          scene.drain();
          scene.step('beat');
          scene.drain();
          expect(scene.told).toEqual([]);
        }),
        { numRuns: RUNS },
      );
    });

    test('one write after the other leaves a copy each', () => {
      const scene = new Scene(connections);
      scene.step('load');
      scene.drain();
      for (let n = 0; n < 3; n++) {
        scene.step('write');
        scene.drain();
        expect(scene.hasCopy).toBe(true);
      }
    });
  });
}

test('a beat that crosses a write costs a copy, and hides nothing that comes later', () => {
  const scene = new Scene(2);
  // The own message overtakes the reply, and the beat comes back in between.
  const crossing = ['beat', 'write', 'execute', 'execute', 'message', 'message', 'reply', 'reply'] as const;
  for (const step of ['load', 'execute', 'reply', ...crossing] as const) scene.step(step);
  expect(scene.hasCopy).toBe(false);
  for (const step of ['load', 'execute', 'reply', 'foreign', 'message'] as const) scene.step(step);
  expect(scene.copyIsNewest).toBe(true);
});

test('an own message that never comes costs the session its copy at the next beat', () => {
  const own = new OwnWrites();
  const news: string[] = [];
  own.begin(KEY);
  expect(own.end(KEY, true, 1)).toBe(false);
  own.settle(1, (key) => news.push(key)); // it may still be under way
  expect(news).toEqual([]);
  own.settle(2, (key) => news.push(key));
  expect(news).toEqual([KEY]);
  expect(own.isNews(KEY)).toBe(true);
});
