/**
 * The codec of sessions in Flask's cookie: a field's bytes are the tagged JSON that stands in the cookie, so that what nobody
 * touches goes back byte for byte.
 *
 * Objects that it hands out remember what they were made from. `cart.items.push(...)` and `{ ...cart, total }` go through `encode` as
 * what they are, and their parts are still the tuples and UUIDs that Python put there.
 */
import type { Codec } from '../../contract.js';
import { demandFit, inCookie } from './exact.js';
import { fromPlain } from './from-plain.js';
import type { Python } from './python.js';
import { readTagged, writeTagged } from './tagged-json.js';
import { toPlain } from './to-plain.js';

export function flaskCodec(): Codec {
  const origins = new WeakMap<object, Python>();
  return {
    name: 'flask',
    encode(value) {
      const python = fromPlain(value, { originOf: (plain) => origins.get(plain) });
      demandFit(python, inCookie);
      return Buffer.from(writeTagged(python), 'latin1');
    },
    decode: (bytes) =>
      toPlain(readTagged(Buffer.from(bytes).toString('latin1')), (plain, origin) => origins.set(plain, origin)),
  };
}
