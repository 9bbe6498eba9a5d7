/** What the process that keeps the Redis servers tells the fleet. Apart from both, since importing either would start it. */
export type NodeNews =
  | { readonly is: 'started'; readonly name: string; readonly pid: number }
  | { readonly is: 'died'; readonly name: string; readonly pid: number; readonly how: string }
  | { readonly is: 'unable'; readonly name: string; readonly why: string };

/** Before one that died is started again: long enough to see what the others do without it. */
export const PAUSE_MS = 3000;
