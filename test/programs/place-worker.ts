/** One of three servers at one place: for each cookie it is shown it makes its share of fifty overlapping requests. Called with address and share. */
import { sessions, type } from 'sojourn';
import { answer } from './answer.js';
import { openPlace } from './place.js';

const [address = '', share = '0'] = process.argv.slice(2);
const { store } = await openPlace(address);
const s = sessions({ data: type<Record<string, number>>(), store, sweep: false, deadline: '1m' });
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
