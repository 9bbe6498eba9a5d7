/** A store for the other side of `twoProcessKit`. Called with the name of the variable that holds its address. */
import { serveStore } from 'sojourn/testing';
import { openPlace } from './place.js';

const [variable = ''] = process.argv.slice(2);
const { store, close } = await openPlace(process.env[variable] ?? '');

await serveStore(store);
await close();
