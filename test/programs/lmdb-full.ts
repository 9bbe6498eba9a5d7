/**
 * Fills an LMDB store until the file may not grow any more, and tells what still works then. Called with the folder, under `ulimit -f`.
 */
import type { Stored } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';

const [folder = ''] = process.argv.slice(2);
const store = lmdb(folder);
const expiresAt = Date.now() + 3_600_000;
const visitor: Stored = {
  head: { createdAt: 0, expiresAt, version: 1, generation: 0 },
  fields: new Map([['cart', Buffer.alloc(1000)]]),
};

const taken: string[] = [];
const refusal = await fill('before');
const read = taken.filter((id) => store.load(id) !== null).length;
const touched = await store.commit(taken[0]!, { generation: 0, head: { expiresAt }, fields: new Map() });
const ended = taken.splice(0, taken.length / 2);
// Logouts in one turn with what does not fit must not fail with it.
const late = Promise.resolve(store.create('late', visitor)).then(String, () => 'refused');
await Promise.all(ended.map((id) => store.destroy(id)));
const back = await store.create('back', visitor);
console.log(
  JSON.stringify({
    refusal,
    allRead: read === taken.length + ended.length,
    touched: touched.status,
    gone: ended.every((id) => store.load(id) === null),
    kept: taken.every((id) => store.load(id) !== null),
    late: await late,
    back,
  }),
);
await store.close?.();

async function fill(prefix: string): Promise<string> {
  for (let batch = 0; ; batch++) {
    const ids = Array.from({ length: 20 }, (_, i) => `${prefix}.${batch}.${i}`);
    const answers = await Promise.allSettled(ids.map((id) => store.create(id, visitor)));
    taken.push(...ids.filter((_, i) => answers[i]!.status === 'fulfilled'));
    const refused = answers.find((answer) => answer.status === 'rejected');
    if (refused) return String((refused.reason as { code?: string }).code);
  }
}
