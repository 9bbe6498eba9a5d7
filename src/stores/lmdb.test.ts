import { describe, test } from 'vitest';
import { tempFolder } from '../../test/support/temp.js';
import { storeKit } from '../testing/store-kit.js';
import { lmdb } from './lmdb.js';

storeKit({ describe, test }, ({ now }) => lmdb(tempFolder('lmdb'), { now }), {
  name: 'lmdb',
  mustHave: ['byUser', 'list', 'sweep'],
});
storeKit({ describe, test }, ({ now }) => lmdb(tempFolder('lmdb'), { now, durable: false }), {
  name: 'lmdb, not durable',
  mustHave: ['byUser', 'list', 'sweep'],
});
