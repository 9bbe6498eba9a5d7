/**
 * What a command is: a description that help is written from, and a function from what was given to an answer.
 *
 * Commands end nothing, and print nothing but how far they are (stage.ts). An answer holds what people see, what scripts see, and the exit code, so that the
 * three cannot say different things. What was typed wrongly is thrown (SOJOURN_OPTION, exit code 2); what cannot be done for
 * good reasons is a refusal, which is data (exit code 1).
 */
import type { MaybePromise } from '../contract.js';
import type { Given, OptionRules } from './arguments.js';
import type { Line } from './printer.js';
import type { Stage } from './stage.js';

export interface Command {
  /** What comes after the name, in the spelling of manual pages. */
  readonly usage: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly more: readonly string[];
  readonly options: OptionRules;
  readonly examples: readonly string[];
  /** When the exit code is 1. */
  readonly attention: string;
  readonly run: (given: Given, stage: Stage) => MaybePromise<Answer | Refusal>;
}

export interface Answer {
  /** For people: lines for a terminal of so many columns. */
  readonly lines: (columns: number) => readonly Line[];
  /** For scripts. */
  readonly json: unknown;
  /** Instead of either: a document that was asked for, as it is. It may hold nothing that came from outside unchecked. */
  readonly document?: string;
  /** True when somebody should look: exit code 1. */
  readonly attention: boolean;
}

export interface Refusal {
  /** A sentence without a full stop: what, why, and what to do. */
  readonly refused: string;
}

export function isRefusal(value: object): value is Refusal {
  return 'refused' in value;
}
