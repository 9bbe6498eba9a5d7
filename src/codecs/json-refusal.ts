/**
 * What to tell somebody whose object is neither data nor of a kind that has a tag.
 *
 * The way out depends on what came: a promise wants an `await`, a class instance its plain data, another sort of bytes a
 * Uint8Array. The class is named if it has a name that can be had without running much of the user's code.
 */
import { types } from 'node:util';

export function strangerProblem(value: object): string {
  const name = className(value);
  if (types.isPromise(value)) return 'it is a promise; await it first';
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value))
    return `it is ${name}; of bytes, Uint8Array and Buffer are kept`;
  if (types.isBoxedPrimitive(value)) return `it is ${name}, an object; keep the primitive value`;
  return `it is ${name}, a class instance; keep its plain data instead`;
}

const MAX_NAME = 40;

/** 'a Cart'. A proxy or a getter in the way may throw here: the writer turns that into a refusal too. */
function className(value: object): string {
  const name: unknown = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === 'string' && name !== '' ? `of class ${name.slice(0, MAX_NAME)}` : 'of an unnamed class';
}
