/** Adds one to field `views` of a session, so often, as `update` does: swap, and again on a conflict. Called with folder, id and number. */
import { lmdb } from 'sojourn/lmdb';

const [folder = '', id = '', times] = process.argv.slice(2);
const store = lmdb(folder, { durable: false });

for (let i = 0; i < Number(times); i++) await increment();
await store.close?.();

async function increment(): Promise<void> {
  for (;;) {
    const stored = await store.load(id);
    const expect = stored?.fields.get('views');
    if (!stored || !expect) throw new Error('The session is not there.');
    const value = Buffer.from(String(Number(Buffer.from(expect).toString()) + 1));
    const { expiresAt } = stored.head;
    const outcome = await store.commit(id, {
      generation: 0,
      head: { expiresAt },
      fields: new Map([['views', { op: 'swap', expect, value }]]),
    });
    if (outcome.status === 'ok') return;
    if (outcome.status === 'gone') throw new Error('The session has ended.');
  }
}
