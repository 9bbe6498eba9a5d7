/**
 * Where a command that takes a while says how far it is, until it has its answer.
 *
 * On a terminal, lines that take the place of those before. In a pipe or a file, one line now and then, so that a log tells what
 * happened and does not fill. With --json nothing of both: there the answer is the only thing to be read, unless a command gives a
 * document for each moment. Everything goes through the printer.
 *
 * The stage also says that somebody does not want to wait any longer (Ctrl-C). What goes on in the ring is not ended by that: a
 * command leaves tidily, and says what will happen without it.
 */
import { type Line, type Look, printed } from './printer.js';
import { visibleJson } from './visible.js';

export interface Stage {
  /** `lines` for a terminal of so many columns, `line` for all else. */
  show(now: { readonly lines: (columns: number) => readonly Line[]; readonly line: string }): void;
  /** A document on a line of its own, with --json. */
  document(value: unknown): void;
  readonly isJson: boolean;
  /** Aborted when somebody wants it to end. */
  readonly leave: AbortSignal;
}

export interface StageSettings {
  readonly look: Look;
  readonly isTerminal: boolean;
  readonly isJson: boolean;
  readonly write: (text: string) => void;
  readonly leave: AbortSignal;
  /** Milliseconds; for how long nothing is written to what is no terminal. */
  readonly now: () => number;
}

const LINE_EVERY_MS = 5000;

/** For commands that nobody watches. */
export const NO_STAGE: Stage = {
  show: () => {},
  document: () => {},
  isJson: false,
  leave: new AbortController().signal,
};

export function stage({ look, isTerminal, isJson, write, leave, now }: StageSettings): Stage {
  let shown = 0;
  let lastAt = Number.NEGATIVE_INFINITY;
  let last = '';
  return {
    isJson,
    leave,
    show({ lines, line }) {
      if (isJson) return;
      if (isTerminal) {
        const next = lines(look.columns);
        // Up to where the last ones began, and away with them. What is written after that stands in their place.
        write(`${shown > 0 ? `\x1b[${shown}A\x1b[0J` : ''}${printed(next, look)}`);
        shown = next.length;
      } else if (line !== last && now() - lastAt >= LINE_EVERY_MS) {
        [lastAt, last] = [now(), line];
        write(printed([line], look));
      }
    },
    document(value) {
      if (isJson) write(`${visibleJson(value, 0)}\n`);
    },
  };
}
