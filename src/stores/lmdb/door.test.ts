/** The door: who opens waits for who writes, who writes waits for who opens, and nobody waits for the dead. */
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp.js';
import { lmdb } from '../lmdb.js';
import { drain, shut, Writer } from './door.js';

const LONG_AGO = new Date(0);
/** Higher than any process id of Linux. */
const NOBODY = 2 ** 22 + 1;

test('a writer stays out while somebody opens, and comes in afterwards', () => {
  const folder = tempFolder('door');
  mkdirSync(join(folder, 'writers'));
  const writer = new Writer(folder);
  const open = shut(folder);
  expect(writer.enter()).toBe(false);
  open();
  expect(writer.enter()).toBe(true);
  writer.leave();
  writer.remove();
  expect(readdirSync(join(folder, 'writers'))).toEqual([]);
});

test('a writer that is inside finishes, but nobody joins it while somebody waits to open', async () => {
  const folder = tempFolder('door');
  mkdirSync(join(folder, 'writers'));
  const writer = new Writer(folder);
  expect(writer.enter()).toBe(true);
  const open = shut(folder);
  await wait(1);
  expect(writer.enter()).toBe(false);
  writer.leave();
  drain(folder);
  open();
  writer.remove();
});

test('nobody waits for what dead processes left in the door', async () => {
  const folder = tempFolder('door');
  mkdirSync(join(folder, 'writers'));
  writeFileSync(join(folder, 'writers', `${NOBODY}.killed`), '1');
  writeFileSync(join(folder, 'writers', `${process.pid}.hung`), '1');
  utimesSync(join(folder, 'writers', `${process.pid}.hung`), LONG_AGO, LONG_AGO);
  writeFileSync(join(folder, 'opening'), '');
  utimesSync(join(folder, 'opening'), LONG_AGO, LONG_AGO);

  const store = lmdb(folder);

  expect(readdirSync(join(folder, 'writers'))).not.toContain(`${NOBODY}.killed`);
  const head = { createdAt: 0, expiresAt: Date.now() + 60_000, version: 1, generation: 0 };
  expect(await store.create('a', { head, fields: new Map() })).toBe('ok');
  await store.close?.();
});
