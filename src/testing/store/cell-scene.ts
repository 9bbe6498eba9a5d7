/**
 * The stage for tests of cells: a store that has them, cells to put, and what was found compared as ids.
 *
 * Marks are random here. A ring makes them in its own way, and no store may care: what is asked of a mark is that it is another
 * one with every write.
 */
import { randomBytes } from 'node:crypto';
import type { Cell, Cells, MaybePromise, Replaced } from '../../contract.js';
import { type Able, abilityPromise } from './abilities.js';
import { bytes, HOUR_MS, same } from './samples.js';
import type { Kit, Scene } from './scene.js';
import { withAnother } from './watched.js';

export type CellScene = Scene & { readonly store: Able<'cells'>; readonly cells: Cells };

/** Registers the test of one sentence about cells; there is nothing to test in a store without them. */
export function cellPromise(
  kit: Kit,
  sentence: string,
  lookAt: string,
  body: (scene: CellScene) => MaybePromise<void>,
): void {
  abilityPromise(kit, 'cells', sentence, lookAt, (scene) => body({ ...scene, cells: scene.store.cells }));
}

/** A cell with a mark of its own and an hour to live. */
export function cell(nowMs: number, text: string, more: Partial<Cell> = {}): Cell {
  return { mark: randomBytes(8), bytes: bytes(text), keepUntil: nowMs + HOUR_MS, ...more };
}

export function other(cell: Cell | null): Replaced {
  return { status: 'other', cell };
}

/** The same for two handles onto one place, where the kit is given `another`. */
export function cellsPromise(
  kit: Kit,
  sentence: string,
  lookAt: string,
  body: (scene: CellScene, there: Cells) => Promise<void>,
): void {
  cellPromise(kit, sentence, lookAt, (scene) =>
    withAnother(scene, (second) => body(scene, (second as Able<'cells'>).cells)),
  );
}

export const ok: Replaced = { status: 'ok' };

export function sameIds(found: Iterable<string>, expected: Iterable<string>, what: string): void {
  same([...found].sort(), [...expected].sort(), what);
}

/** Without repeats, which are allowed. */
export async function listed(ids: AsyncIterable<string>): Promise<Set<string>> {
  const all = new Set<string>();
  for await (const id of ids) all.add(id);
  return all;
}

/** With the kit's own clock nothing is waited for. */
export function patienceOf({ settings }: Scene): number {
  return settings.clock === 'own' ? settings.patienceMs : 0;
}
