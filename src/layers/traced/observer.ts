/**
 * What a traced store tells of each call: when it begins, how it ends, and nothing of what it is about.
 *
 * No id goes in: an id of ours opens nothing, but one of an entry shared with another library is all there is to it. No message of an
 * error either, for a driver's own errors quote rows. What is left names the store, the verb, and the outcome or the error's code.
 */
import type { MaybePromise } from '../../contract.js';
import { isPromise } from '../../core/maybe.js';
import { isFailure } from '../../errors.js';

export interface Observer {
  /** Runs `call`, and tells of it. */
  call<R>(operation: string, call: () => MaybePromise<R>, outcomeOf: (answer: R) => string): MaybePromise<R>;
  /** A walk begins; the returned function says how it ended, and after how many items. */
  walk(operation: string): (outcome: string, items: number) => void;
}

/** Of an error: its code, or the name of its class. */
export function codeOf(error: unknown): string {
  if (isFailure(error)) return error.code;
  return error instanceof Error ? error.constructor.name : 'unknown';
}

/** Runs `call` and hears how it ends, without waiting for what is there at once. */
export function heard<R>(
  call: () => MaybePromise<R>,
  done: (answer: R) => void,
  failed: (code: string) => void,
): MaybePromise<R> {
  const lost = (error: unknown): never => {
    failed(codeOf(error));
    throw error;
  };
  let answer: MaybePromise<R>;
  try {
    answer = call();
  } catch (error) {
    return lost(error);
  }
  if (isPromise(answer)) {
    return answer.then((value) => {
      done(value);
      return value;
    }, lost);
  }
  done(answer);
  return answer;
}
