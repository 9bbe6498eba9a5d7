/**
 * Whether a memcached can keep sessions: compare-and-set is tried for real, and what endangers sessions is told in sentences.
 *
 * `-C` turns compare-and-set off; then the server hands out the token 0 for everything, and every late writer wins. Asking for settings
 * alone was rejected: a proxy in between (mcrouter, twemproxy) answers for servers that it does not ask.
 */
import { environment } from '../../core/environment.js';
import { type Client, ClientTrouble } from './client.js';

export interface Checked {
  readonly client: Client;
  readonly prefix: string;
  readonly maxBytes: number;
  readonly servers: number;
}

/** Of an entry: its key, its header, its place in a slab. */
const BYTES_AROUND = 512;
const SECONDS = 10;

/** Sentences for the operator. Throws where sessions cannot be kept. */
export async function check({ client, prefix, maxBytes, servers }: Checked): Promise<readonly string[]> {
  await tryCompareAndSet(client, prefix);
  const sentences: string[] = [];
  for (const { item_size_max: largest, server } of await client.about('settings')) {
    const wanted = Math.ceil(maxBytes / 3) * 4 + BYTES_AROUND;
    if (typeof largest === 'number' && largest < wanted)
      sentences.push(
        `memcached ${server} takes ${largest} bytes at most, and the largest session needs ${wanted}: start it with a larger -I, or lower maxBytes of memcached.`,
      );
  }
  for (const { evictions, limit_maxbytes: limit, server } of await client.about('stats')) {
    if (typeof evictions === 'number' && evictions > 0)
      sentences.push(
        `memcached ${server} has thrown out ${evictions} entries before their time, for it has only ${limit} bytes: people were signed out. Give it more (-m).`,
      );
  }
  if (servers > 1)
    sentences.push(
      `Sessions are spread over ${servers} memcached servers: leave the client's option remove off, for keys that wander to another server and back bring old sessions along.`,
    );
  return sentences;
}

async function tryCompareAndSet(client: Client, prefix: string): Promise<void> {
  const key = `${prefix}check-${Buffer.from(environment.random(12)).toString('hex')}`;
  const value = Buffer.from('sojourn');
  if ((await client.add(key, value, SECONDS)) !== 'stored') throw new ClientTrouble('it does not take an entry (add)');
  const first = await client.gets(key);
  if (first === null) throw new ClientTrouble('an entry was not there any more at once: it has no memory to spare');
  const isNew = await client.cas(key, value, first.cas, SECONDS);
  const isOld = await client.cas(key, value, first.cas, SECONDS);
  await client.del(key);
  if (!isNew || isOld)
    throw new ClientTrouble(
      'it does not compare before it sets (cas): start memcached without -C, and without a proxy that drops it',
    );
}
