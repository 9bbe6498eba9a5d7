/** A promise that was broken: which one, and all that was asked of the session in question. */
import type { Operation, Story } from './history.js';

export const RULES = {
  lost: 'an acknowledged write is not there, although all servers must know it',
  'swap lost': 'a swap that was made in calm is not there: somebody else went over it',
  'own write unseen': 'a process does not see what it was told that it has written',
  'refused yet written': "a write was answered 'conflict' or 'gone', and is there all the same",
  'written twice': 'a swap was done twice',
  'idle conflict': 'a conflict with what was expected',
  invented: 'nobody has written that, or not yet',
  revived: 'a destroyed session is there again',
  'revived at home': 'a destroyed session is there again for the very process that ended it',
  absent: 'a live session was not found',
  'new one absent': 'a live session was not found that was created elsewhere while the ring was disturbed',
  exists: 'a fresh id was refused',
  'old secret': 'a secret opens the session that was replaced',
  'old generation': 'a write from before a login landed after it',
  backwards: 'in calm, a process saw an older version than before',
  expired: 'a session was found after its end',
  prolonged: 'a session has a later end than anybody gave it',
  'failed in calm': 'a call failed although nothing was wrong',
  'failed beside a survivor': 'one node went away in calm, and a load failed although the others stood',
  unanswered: 'a call was never answered',
  crashed: 'something was thrown that is no trouble of a store',
} as const;
export type Rule = keyof typeof RULES;
export const RULE_NAMES = Object.keys(RULES) as Rule[];

export class Violation extends Error {
  readonly rule: Rule;
  constructor(rule: Rule, message: string, story: Story, operation?: Operation) {
    const about = operation ? `${line(operation)}\n` : '';
    super(
      `${rule} (${RULES[rule]}): ${message}\n${about}Session ${story.id}:\n${story.operations.map(line).join('\n')}`,
    );
    this.name = 'Violation';
    this.rule = rule;
  }
}

function line({ name, process, effect, called, returned, status, isCalm }: Operation): string {
  const { writes, entry, ...rest } = effect;
  const what = { ...Object.fromEntries(writes), ...(entry !== undefined && { entry }), ...rest };
  const until = Number.isFinite(returned) ? returned.toFixed(1) : '?';
  const words = JSON.stringify(what).replaceAll('"', '');
  return `  ${called.toFixed(1)} - ${until}  ${process} ${name} ${words}: ${status}${isCalm ? ' (calm)' : ''}`;
}
