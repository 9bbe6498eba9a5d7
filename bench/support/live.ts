/**
 * One line that tells how far a part is, and how long it has been at it. Only on a terminal: a log file would fill with it.
 * Nothing is written between the turns of a round but this, and that by the parent, which has no part in what is measured.
 */

export interface Live {
  readonly say: (text: string) => void;
  /** Takes the line away. */
  readonly end: () => void;
}

const MOST_CHARACTERS = 100;

export function live(part: string): Live {
  const { stdout } = process;
  const begun = performance.now();
  if (!stdout.isTTY) {
    stdout.write(`${part} ...\n`);
    return { say: () => {}, end: () => stdout.write(`${part} took ${seconds(begun)} s\n\n`) };
  }
  return {
    say: (text) => void stdout.write(`\r\x1b[2K${part}, ${seconds(begun)} s: ${text}`.slice(0, MOST_CHARACTERS)),
    end: () => void stdout.write('\r\x1b[2K'),
  };
}

function seconds(begun: number): string {
  return ((performance.now() - begun) / 1000).toFixed(0);
}
