/**
 * Saying of a value which Python type it is to have, where JavaScript has only one word: `session.set('point', tuple(1, 2))`.
 *
 * What comes out is a plain object that goes through any codec; the reader of the next request, here, gets an array, a number, a text.
 * Fields that came from Python need none of this: they keep their types, and a new value takes the type of the one it replaces.
 */
import { failure } from '../../errors.js';

/** A value with its Python type. Made by `tuple`, `float`, `markup` and `uuid`. */
export interface PythonWord {
  readonly $python: 'tuple' | 'float' | 'markup' | 'uuid';
  readonly of: unknown;
}

/** @example session.update('_flashes', (all = []) => [...all, tuple('message', 'Saved.')]) */
export function tuple(...items: readonly unknown[]): PythonWord {
  return { $python: 'tuple', of: items };
}

/** A float, although it may be whole: `float(12)` is 12.0 in Python. */
export function float(value: number): PythonWord {
  return { $python: 'float', of: value };
}

/** Text that templates do not escape. Only for what you have made safe yourself. */
export function markup(text: string): PythonWord {
  return { $python: 'markup', of: text };
}

/** A `uuid.UUID`. SOJOURN_VALUE for a text that is none. */
export function uuid(text: string): PythonWord {
  if (!/^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(text))
    throw failure('SOJOURN_VALUE', { path: 'uuid()', problem: 'it is no UUID' });
  return { $python: 'uuid', of: text };
}

export function isWord(value: object): value is PythonWord {
  return Object.keys(value).length === 2 && '$python' in value && 'of' in value;
}
