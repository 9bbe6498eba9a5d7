/**
 * Scripts: what a few browsers, an operator and the clock do in one run.
 *
 * Everything is a number that is taken modulo what there is, so that every script can be played, and fast-check can shorten it.
 * Requests overlap: `begin` and `end` are steps of their own, and an answer may get lost on its way.
 */
import fc from 'fast-check';

export const BROWSERS = 4;
export const FIELDS = ['a', 'b', 'c'] as const;
export const USERS = ['ann', 'bob'] as const;

export type Action =
  | { readonly do: 'read' | 'set' | 'delete' | 'add' | 'take' | 'push'; readonly field: (typeof FIELDS)[number] }
  | { readonly do: 'login'; readonly user: (typeof USERS)[number]; readonly remember?: boolean | undefined }
  | { readonly do: 'remember'; readonly on: boolean }
  | { readonly do: 'rotate' | 'destroy' | 'save' | 'look' };

export type Step =
  | { readonly step: 'begin'; readonly browser: number }
  | { readonly step: 'act'; readonly request: number; readonly action: Action }
  | { readonly step: 'end'; readonly request: number; readonly status: 200 | 304; readonly isLost: boolean }
  | { readonly step: 'visit'; readonly browser: number; readonly actions: readonly Action[] }
  /** A second browser gets hold of the first one's cookie: a planted or stolen one, or an old tab. */
  | { readonly step: 'copy'; readonly browser: number; readonly to: number }
  | { readonly step: 'forget'; readonly browser: number }
  | { readonly step: 'revoke'; readonly user: (typeof USERS)[number]; readonly exceptOf: number | undefined }
  | { readonly step: 'wait'; readonly ms: number };

const browser = fc.nat(BROWSERS - 1);
const request = fc.nat(7);
const field = fc.constantFrom(...FIELDS);
const user = fc.constantFrom(...USERS);

export const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constantFrom('read', 'set', 'delete', 'add', 'take', 'push'), field }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('login'), user, remember: fc.option(fc.boolean(), { nil: undefined }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remember'), on: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('rotate', 'destroy', 'save', 'look') }) },
);

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Both sides of every boundary that the rules know: the grace of secrets, the touch window, the timeouts. */
const waits = [SECOND, 9 * SECOND, 10 * SECOND, MINUTE, 2 * MINUTE, 29 * MINUTE, 30 * MINUTE, 6 * HOUR, 37 * HOUR];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ step: fc.constant('begin'), browser }) },
  { weight: 10, arbitrary: fc.record({ step: fc.constant('act'), request, action }) },
  {
    weight: 6,
    arbitrary: fc.record({
      step: fc.constant('end'),
      request,
      status: fc.constantFrom(200, 200, 200, 304),
      isLost: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      step: fc.constant('visit'),
      browser,
      actions: fc.array(action, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('copy'), browser, to: browser }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('forget'), browser }) },
  {
    weight: 1,
    arbitrary: fc.record({ step: fc.constant('revoke'), user, exceptOf: fc.option(browser, { nil: undefined }) }),
  },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('wait'), ms: fc.constantFrom(...waits) }) },
);

export const script: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 4, maxLength: 40, size: 'max' });
