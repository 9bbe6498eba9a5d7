/**
 * What the second copy costs: commits through rings of one and of two copies, beside the store alone, and beside what else keeps two
 * copies: a primary that waits until its replica has the write (WAIT 1).
 *
 * All in one process, over servers of their own, with the session of the other parts; each request commits one small field of one of
 * a thousand sessions. One copy is a ring, too: what the ring itself costs is another row.
 */
import { redis } from 'sojourn/redis';
import { ring } from 'sojourn/ring';
import { digits, figure, range } from '../support/figures.js';
import { judge, type Result } from '../support/result.js';
import { type Client, click, freshId, type Server, servers, session } from './servers.js';
import { difference, type Entrant, inTurn, paired, ratio } from './turns.js';

const PACE = { rounds: 15, single: 1000, many: 8000 };
const QUICK_PACE = { rounds: 3, single: 300, many: 2000 };
const SESSIONS = 1000;
const GOALS = { addedUs: 30, share: 0.45, overWait: 1.1 };
const STORE = 'the store alone';
const ONE = 'ring, one copy';
const TWO = 'ring, two copies';
const WAIT = 'primary and replica, WAIT 1';

export async function copies(quick: boolean): Promise<Result> {
  const own = await servers(4);
  const [a, b, primary, replica] = own as [Server, Server, Server, Server];
  await replica.client.sendCommand(['REPLICAOF', '127.0.0.1', String(primary.port)]);
  await linked(primary.client);
  const nodes = (prefix: string) => [
    { name: 'a', store: redis(a.client, { prefix }) },
    { name: 'b', store: redis(b.client, { prefix }) },
  ];
  // A deadline that a busy machine keeps: what is late is passed over, and that would be another comparison.
  const one = ring(nodes('one:'), { copies: 1, deadline: '2s' });
  const two = ring(nodes('two:'), { copies: 2, deadline: '2s' });
  const alone = redis(a.client, { prefix: 'alone:' });
  const waiting = redis(primary.client, { prefix: 'wait:' });
  const entrants = [
    await committing(STORE, alone),
    await committing(ONE, one),
    await committing(TWO, two),
    await committing(WAIT, waiting, () => primary.client.sendCommand(['WAIT', '1', '0'])),
  ];
  const samples = await inTurn('copies', entrants, quick ? QUICK_PACE : PACE);
  await one.close();
  await two.close();
  for (const server of own) await server.stop();
  return resultOf(samples, two.figures.degraded + one.figures.degraded);
}

type Committer = Pick<ReturnType<typeof redis>, 'create' | 'commit'>;

async function committing(name: string, store: Committer, after?: () => Promise<unknown>): Promise<Entrant> {
  const ids = Array.from({ length: SESSIONS }, freshId);
  for (const id of ids) await store.create(id, session());
  return {
    name,
    async run(n) {
      // Sent behind one another on one connection, as WAIT is meant to be used.
      const committed = store.commit(ids[n % SESSIONS]!, click(n));
      const [{ status }] = await Promise.all([committed, after?.()]);
      if (status !== 'ok') throw new Error(`a commit of ${name} was answered ${status}`);
    },
  };
}

function resultOf(samples: Awaited<ReturnType<typeof inTurn>>, degraded: number): Result {
  const one = samples.get(ONE)!;
  const two = samples.get(TWO)!;
  const rows = [...samples].map(([name, { waits, rates }]) => {
    const added = figure(paired(waits, one.waits, difference));
    const share = figure(paired(rates, one.rates, ratio));
    return [
      name,
      digits(figure(waits).median),
      `${digits(added.median, true)} (${range(added)})`,
      Math.round(figure(rates).median).toString(),
      `${digits(share.median)} (${range(share)})`,
    ];
  });
  const added = paired(two.waits, one.waits, difference);
  const share = figure(paired(two.rates, one.rates, ratio));
  const overWait = figure(paired(two.rates, samples.get(WAIT)!.rates, ratio));
  const aim = (what: string, limit: number) => ({ what, bound: 'at least', limit, unit: '' }) as const;
  return {
    tables: [
      {
        title: 'The ring: a commit by how many copies there are',
        columns: ['what', 'median, us', 'over one copy, us', 'commits/s, 64 at once', 'of one copy'],
        rows,
      },
    ],
    goals: [
      // A difference of two times that are alike spreads by nature; the times themselves say whether the run was quiet.
      judge(
        { what: 'a second copy, median latency', bound: 'at most', limit: GOALS.addedUs, unit: 'us' },
        figure(added).median,
        figure(two.waits),
      ),
      judge(aim('two copies, throughput of one copy', GOALS.share), share.median, share),
      judge(aim('two copies, throughput of primary + WAIT 1', GOALS.overWait), overWait.median, overWait),
    ],
    checks: [
      { what: 'commits that fewer nodes took than there are copies', found: String(degraded), ok: degraded === 0 },
    ],
  };
}

async function linked(primary: Client): Promise<void> {
  while (Number(await primary.sendCommand(['WAIT', '1', '100'])) < 1);
}
