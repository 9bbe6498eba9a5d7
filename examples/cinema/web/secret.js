/**
 * What leaves the page instead of a typed password: SHA-256 in hex, as the original client sent MD5 in hex.
 *
 * It is no protection by itself: the server treats it as the password and hashes it properly (scrypt, with salt). It only
 * keeps the typed text, which people use elsewhere too, out of requests and logs. `crypto.subtle` exists in secure contexts
 * only (https, loopback); on plain http in a local network the function below gives the same digest.
 */
export async function opaque(typed) {
  const bytes = new TextEncoder().encode(typed);
  const digest = crypto.subtle ? new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)) : sha256(bytes);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** FIPS 180-4, section 6.2. */
export function sha256(message) {
  const hash = fractions(8, 1 / 2);
  const blocks = padded(message);
  for (let at = 0; at < blocks.byteLength; at += 64) mix(hash, schedule(blocks, at));
  const out = new DataView(new ArrayBuffer(32));
  hash.forEach((word, i) => {
    out.setUint32(i * 4, word);
  });
  return new Uint8Array(out.buffer);
}

const K = fractions(64, 1 / 3);

/** The first 32 bits of the fractional parts of the roots of the first `count` primes: the constants of the standard. */
function fractions(count, power) {
  const found = [];
  for (let n = 2; found.length < count; n++) {
    if (found.every(([prime]) => n % prime !== 0)) found.push([n, (n ** power % 1) * 2 ** 32]);
  }
  return Uint32Array.from(found, ([, fraction]) => fraction);
}

function padded(message) {
  const blocks = new DataView(new ArrayBuffer(Math.ceil((message.length + 9) / 64) * 64));
  new Uint8Array(blocks.buffer).set(message);
  blocks.setUint8(message.length, 0x80);
  blocks.setUint32(blocks.byteLength - 4, message.length * 8);
  return blocks;
}

function schedule(blocks, at) {
  const w = new Uint32Array(64);
  for (let i = 0; i < 16; i++) w[i] = blocks.getUint32(at + i * 4);
  for (let i = 16; i < 64; i++) {
    const a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3);
    const b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10);
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  return w;
}

function mix(hash, w) {
  let [a, b, c, d, e, f, g, h] = hash;
  for (let i = 0; i < 64; i++) {
    const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i];
    const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) >>> 0, c, b, a, (one + two) >>> 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    hash[i] += word;
  });
}

function turn(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}
