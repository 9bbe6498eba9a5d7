/** One of three servers on one LMDB store: for each cookie it is shown it makes its share of fifty overlapping requests. */
import { sessions, type } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { answer } from './answer.js';

const [folder = '', share = '0'] = process.argv.slice(2);
const s = sessions({ data: type<Record<string, number>>(), store: lmdb(folder), sweep: false });
const mine = Array.from({ length: 50 }, (_, i) => i).filter((i) => i % 3 === Number(share));

answer(async (cookie: string) => {
  const view = { secure: true, proxied: false, header: (name: string) => (name === 'cookie' ? cookie : undefined) };
  const open = await Promise.all(mine.map(() => s.open(view)));
  open.forEach((session, i) => {
    session.set(`field${mine[i]}`, mine[i] ?? -1);
    session.update('n', (n = 0) => n + 1);
  });
  await Promise.all(open.map((session) => s.save(session)));
});
