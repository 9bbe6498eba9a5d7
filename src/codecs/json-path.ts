/**
 * Where in a value something was found, as JavaScript would write it: `.cart[2]["unit price"]`.
 *
 * The elements of a Map or Set are named by their position in iteration, `.prices.values()[0]` and `.prices.keys()[0]`: keys
 * of a Map are often data, and data has no place in an error message.
 */

/** One step into a value: a property, an element, or a place in what `keys()` or `values()` would list. */
export type Step = string | number | { readonly list: 'keys' | 'values'; readonly at: number };

/** Longer names and paths are cut: an error message is no place for a document. */
const MAX_NAME = 40;
const MAX_PATH = 160;

/** '' for the value itself. */
export function pathOf(steps: readonly Step[]): string {
  const path = steps.map(stepText).join('');
  return path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}...` : path;
}

function stepText(step: Step): string {
  if (typeof step === 'number') return `[${step}]`;
  if (typeof step === 'object') return `.${step.list}()[${step.at}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step)
    ? `.${clipped(step)}`
    : `[${JSON.stringify(clipped(step))}]`;
}

function clipped(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}...` : name;
}
