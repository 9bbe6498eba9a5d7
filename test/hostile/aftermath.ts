/**
 * What must be true after every hostile case, whatever it was: the language itself is unhurt, nothing was left to fail later,
 * and nothing that was said (answers, events, warnings) repeats a secret or what the stranger sent.
 */
import { expect } from 'vitest';

/** Everything that was said since the witness came: text of answers, events and process warnings. */
export interface Witness {
  hear(text: string): void;
  /** For what was rightly said: the cookie of somebody who has just signed in. */
  forget(): void;
  /** `unspeakable`: what must have been repeated nowhere. */
  check(unspeakable: readonly string[]): Promise<void>;
}

const PROTOTYPE_KEYS = Reflect.ownKeys(Object.prototype);
/** Shorter texts turn up by chance. */
const SHORTEST_TRACE = 4;

/** What Node says of the whole process, each witness hears: by one pair of ears, for Node takes ten on one event for a leak. */
const ears: ((warning: Error) => void)[] = [];
const rejections: unknown[] = [];
process.on('warning', (warning) => {
  for (const hear of ears) hear(warning);
});
process.on('unhandledRejection', (reason) => void rejections.push(reason));

export function witness(): Witness {
  const heard: string[] = [];
  ears.push((warning) => void heard.push(`${warning.name}: ${warning.message}`));
  return {
    hear: (text) => void heard.push(text),
    forget() {
      heard.length = 0;
    },
    async check(unspeakable) {
      // Warnings and unhandled rejections are told one turn later.
      await new Promise(setImmediate);
      expect(rejections).toEqual([]);
      expect(Reflect.ownKeys(Object.prototype)).toEqual(PROTOTYPE_KEYS);
      expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      const said = heard.join('\n');
      for (const trace of unspeakable.filter((text) => text.length >= SHORTEST_TRACE)) {
        expect(said.includes(trace), `said aloud: ${JSON.stringify(trace.slice(0, 60))}`).toBe(false);
      }
      heard.length = 0;
    },
  };
}

/** The texts by which an input would be recognised: as Node reads header bytes, and as the stranger meant them. */
export function tracesOf(input: Buffer): string[] {
  return [input.toString('latin1'), input.toString('utf8')].flatMap((text) =>
    text.split(';').map((pair) => pair.slice(pair.indexOf('=') + 1).trim()),
  );
}
