/** Whole requests without a network, over sessions in the cookie: open, work, save, as an adapter calls them. */
import { type Sealer, sessions, type } from 'sojourn';
import { type Case, inTurns } from '../support/rounds.js';
import { type Sample, sample } from '../support/sample.js';

const SESSIONS = 1000;

export async function sealedVisits(name: string, seal: Sealer): Promise<Case[]> {
  const s = sessions({ data: type<Sample>(), seal });
  const visit = async (header: string, work: (session: Awaited<ReturnType<typeof s.open>>) => unknown) => {
    const session = await s.open(viewOf(header));
    work(session);
    return s.save(session);
  };
  const cookies: string[] = [];
  for (let i = 0; i < SESSIONS; i++) {
    const lines = await visit('theme=dark', (session) => Object.assign(session.data, sample()));
    const cookie = lines.find(([header]) => header === 'Set-Cookie')?.[1].split(';', 1)[0] ?? '';
    cookies.push(Buffer.from(cookie, 'latin1').toString('latin1'));
  }
  return [
    {
      name: `sojourn, ${name}: read a text`,
      run: (times) => inTurns(times, (i) => visit(cookies[i % SESSIONS]!, (session) => session.get('name'))),
    },
    {
      name: `sojourn, ${name}: update one field`,
      run: (times) =>
        inTurns(times, (i) =>
          visit(cookies[i % SESSIONS]!, (session) => session.update('views', (views = 0) => views + 1)),
        ),
    },
  ];
}

function viewOf(cookie: string) {
  return {
    secure: true,
    proxied: false,
    header: (name: string): string | undefined => (name === 'cookie' ? cookie : undefined),
  };
}
