/** An LMDB store for the other side of `twoProcessKit`. Called with its folder and 'durable' or 'quick'. */
import { lmdb } from 'sojourn/lmdb';
import { serveStore } from 'sojourn/testing';

const [folder = '', mode] = process.argv.slice(2);

await serveStore(lmdb(folder, { durable: mode === 'durable' }));
