/** Sessions in files: the promises of every store, and what only files can suffer. */
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { exam, runs } from '../../test/support/exam.js';
import { tempFolder } from '../../test/support/temp.js';
import { storeKit } from '../testing/store-kit.js';
import { file } from './file.js';

for (const durable of exam ? [true, false] : [false]) {
  const folder = tempFolder('file');
  let places = 0;
  storeKit({ describe, test }, ({ now }) => file(join(folder, String(++places)), { now, durable }), {
    name: `files, ${durable ? 'durable' : 'quick'}`,
    races: runs(20, 200),
    parallel: runs(20, 100),
    mustHave: ['byUser', 'list', 'sweep'],
    another: ({ now }) => file(join(folder, String(places)), { now, durable }),
  });
}
