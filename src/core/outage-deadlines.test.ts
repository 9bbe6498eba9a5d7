/** Requests whose store does not answer. The clock is moved by hand: nothing here waits. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DOWN, outcome, settled, shopInTrouble, signedIn } from '../../test/support/trouble.js';
import { visitor } from '../../test/support/visitor.js';

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  await settled();
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

describe('a store that hangs', () => {
  test('a read that is not answered is a 503 after half a second; its late answer changes nothing', async () => {
    const { s, plan, clock } = shopInTrouble();
    const ann = await signedIn(s);
    const gate = plan.hold('load');
    let answered: unknown;
    const asked = outcome(ann.visit((session) => session.user)).then((result) => {
      answered = result;
    });
    await gate.arrived;

    clock.advance(499);
    await settled();
    expect(answered).toBeUndefined();
    clock.advance(1);
    await asked;
    expect(answered).toEqual(DOWN);

    gate.release();
    await settled();
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('an answer that is a failure and comes late is nobody’s unhandled rejection', async () => {
    const { s, plan, clock } = shopInTrouble();
    const ann = await signedIn(s);
    let fail = (_: Error) => {};
    plan.delay(() => new Promise((_, reject) => (fail = reject)), { verbs: ['load'] });
    const asked = outcome(ann.visit((session) => session.user));
    await settled();
    clock.advance(500);
    expect(await asked).toEqual(DOWN);

    fail(new Error('connection reset'));
    await settled();
    expect(unhandled).toEqual([]);
  });

  test('a write that stays pending for ever fails its request, and no cookie tells of what may not be there', async () => {
    const { s, plan, clock } = shopInTrouble();
    const held = plan.hold('create');
    const ann = visitor(s);
    const asked = outcome(ann.visit((session) => session.set('name', 'Ann')));
    await held.arrived;
    clock.advance(500);

    expect(await asked).toEqual(DOWN);
    expect(ann.cookies.size).toBe(0);
  });

  test('a request waits less than three quarters of a second for all its calls together', async () => {
    const { s, plan, clock } = shopInTrouble();
    const ann = await signedIn(s);
    const load = plan.hold('load');
    const begun = clock.now();
    let endedAt = 0;
    const asked = outcome(ann.visit((session) => session.set('name', 'Anna'))).finally(() => {
      endedAt = clock.now() - begun;
    });
    await load.arrived;
    clock.advance(400);
    const commit = plan.hold('commit');
    load.release();
    await commit.arrived;
    for (let i = 0; i < 20; i++) {
      clock.advance(25);
      await settled();
    }

    expect([await asked, endedAt]).toEqual([DOWN, 700]);
  });

  test('who saves on the way has the whole time for each save', async () => {
    const { s, plan, clock } = shopInTrouble();
    const ann = await signedIn(s);
    const slow = async (verb: 'load' | 'commit', asked: () => Promise<unknown>) => {
      const gate = plan.hold(verb);
      const answer = asked();
      await gate.arrived;
      clock.advance(400);
      gate.release();
      return answer;
    };
    await slow('load', () =>
      ann.visit(async (session) => {
        for (const name of ['A', 'B', 'C']) {
          session.set('name', name);
          expect(await slow('commit', () => session.save())).toBe('ok');
        }
      }),
    );

    expect(await ann.visit((session) => session.get('name'))).toBe('C');
  });

  test('who waits behind others that write the same session leaves when his time is up, and is not written afterwards', async () => {
    const { s, plan, clock } = shopInTrouble({ deadline: 500 });
    const ann = await signedIn(s);
    const requests = [await ann.begin(), await ann.begin(), await ann.begin()];
    // Logins go alone, so the three commits go one after the other.
    for (const { session } of requests) session.login('ann');
    requests[2]!.session.set('flash', 'never');
    const gates = [plan.hold('commit')];
    const ends = requests.map(({ end }) => outcome(end()));
    await gates[0]!.arrived;
    clock.advance(475);
    gates.push(plan.hold('commit'));
    gates[0]!.release();
    await gates[1]!.arrived;
    clock.advance(275);
    const commits = () => plan.calls.filter(({ verb }) => verb === 'commit').length;
    const before = commits();

    expect(await ends[2]).toEqual(DOWN);
    gates[1]!.release();
    await Promise.all(ends);
    await settled();
    expect(commits()).toBe(before);
  });
});
