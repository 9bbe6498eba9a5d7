/**
 * The promises that only show with two processes at one place: both write, one ends what the other still writes to, one dies.
 *
 * The author gives a command that opens the store and hands it to `serveStore`; the kit starts it twice for each test and plays
 * both sides. A store inside one process (memory) has nothing to win here; every other one has.
 */
import { checked, wholeNumber } from '../core/options.js';
import { failure } from '../errors.js';
import { type Command, RemoteStore } from './process/remote-store.js';
import type { Runner } from './runner.js';
import { increment } from './store/concurrency.js';
import { bytes, created, delta, freshId, holds, loginHead, same, session, set } from './store/samples.js';
import { broken } from './store/scene.js';

export interface TwoProcessOptions extends Command {
  /** Title of the group of tests. */
  readonly name?: string;
  /** Rounds of each race, 1 to 100000; default 50. */
  readonly rounds?: number;
}

type Test = (one: RemoteStore, two: RemoteStore) => Promise<void>;
type Promised = (sentence: string, lookAt: string, body: Test) => void;

/**
 * Registers the tests for a store that several processes share.
 * @example
 * import { describe, test } from 'node:test';
 * twoProcessKit({ describe, test }, { command: [process.execPath, 'open-my-store.js', './sessions'] });
 */
export function twoProcessKit(runner: Runner, options: TwoProcessOptions): void {
  const {
    name,
    rounds: given,
    ...command
  } = checked('twoProcessKit', options, ['name', 'rounds', 'command', 'env', 'cwd']);
  const rounds = wholeNumber('rounds of twoProcessKit', given ?? 50, 1, 100_000);
  if (!isCommand(command)) throw noCommand();
  const promised: Promised = (sentence, lookAt, body) => {
    runner.test(sentence, () => onTwo(command, sentence, lookAt, body));
  };
  runner.describe(name ?? 'a sojourn store in two processes', () => {
    sees(promised, rounds);
    keeps(promised, rounds);
    ends(promised, rounds);
    dies(promised);
  });
}

function sees(promised: Promised, rounds: number): void {
  promised(
    'what one process has been told is saved, the other one sees',
    'an answer before the shared place has it; a read snapshot or a cache that is kept too long',
    async (one, two) => {
      const given = session(Date.now(), { cart: 'book', views: '0' });
      const id = await created(one, given);
      same(await two.load(id), given, 'the session in the other process');
      for (let round = 1; round <= rounds; round++) {
        const [writer, reader] = round % 2 ? [two, one] : [one, two];
        same((await writer.commit(id, delta(Date.now(), { views: set(String(round)) }))).status, 'ok', 'the outcome');
        same((await reader.load(id))?.fields.get('views'), bytes(String(round)), `the field in round ${round}`);
      }
    },
  );

  promised("of two creates under one id exactly one is 'ok'", 'insert-only across processes', async (one, two) => {
    for (let round = 0; round < rounds; round++) {
      const id = freshId();
      const answers = await Promise.all(
        [one, two].map((store, i) => store.create(id, session(Date.now(), { by: String(i) }))),
      );
      same([...answers].sort(), ['exists', 'ok'], `the answers in round ${round}`);
      same((await one.load(id))?.fields.get('by'), bytes(String(answers.indexOf('ok'))), 'the session');
    }
  });
}

const oneStep = 'reading and writing must be one step for both processes: a transaction, a script, a lock';

function keeps(promised: Promised, rounds: number): void {
  promised('disjoint fields written by two processes all survive', oneStep, async (one, two) => {
    const id = await created(one, session(Date.now()));
    const names = Array.from({ length: rounds }, (_, i) => `field${i}`);
    const write = async (store: RemoteStore, name: string): Promise<unknown> =>
      store.commit(id, delta(Date.now(), { [name]: set(name) }));
    await Promise.all(names.map(async (name, i) => write(i % 2 ? one : two, name)));
    const stored = await one.load(id);
    same(stored?.fields, session(0, Object.fromEntries(names.map((name) => [name, name]))).fields, 'the fields');
    same(stored?.head.version, 1 + rounds, 'the version');
  });

  promised('increments by swap from two processes lose none', oneStep, async (one, two) => {
    const id = await created(one, session(Date.now(), { views: '0' }));
    await Promise.all(Array.from({ length: rounds }, (_, i) => increment(i % 2 ? one : two, id, Date.now(), rounds)));
    for (const store of [one, two])
      same((await store.load(id))?.fields.get('views'), bytes(String(rounds)), 'the field');
  });

  promised('of two rotations exactly one wins', oneStep, async (one, two) => {
    for (let round = 0; round < rounds; round++) {
      const id = await created(one, session(Date.now(), {}, { secret: bytes('first') }));
      const rotation = (secret: string): ReturnType<typeof delta> =>
        delta(Date.now(), {}, { replaces: bytes('first'), head: { secret: bytes(secret) } });
      const outcomes = await Promise.all([one.commit(id, rotation('one')), two.commit(id, rotation('two'))]);
      same(outcomes.map(({ status }) => status).sort(), ['conflict', 'ok'], `the outcomes in round ${round}`);
      const winner = outcomes[0]!.status === 'ok' ? 'one' : 'two';
      same((await two.load(id))?.head.secret, bytes(winner), `the secret in round ${round}`);
    }
  });
}

function ends(promised: Promised, rounds: number): void {
  promised(
    'destroy in one process against commits in the other: the session never comes back',
    oneStep,
    async (one, two) => {
      for (let round = 0; round < rounds; round++) {
        const id = await created(one, session(Date.now(), { views: '0' }));
        await two.load(id);
        const commits = Array.from({ length: 4 }, (_, i) =>
          two.commit(id, delta(Date.now(), { views: set(String(i)) })),
        );
        await Promise.all([one.destroy(id), ...commits]);
        for (const store of [one, two]) same(await store.load(id), null, `the destroyed session in round ${round}`);
        same(await two.commit(id, delta(Date.now(), {})), { status: 'gone' }, `a late touch in round ${round}`);
        same(await one.load(id), null, `the session after it in round ${round}`);
      }
    },
  );

  promised('a login in one process ends what the other was still writing', oneStep, async (one, two) => {
    const id = await created(one, session(Date.now(), { cart: 'book' }));
    await two.load(id);
    await one.commit(id, delta(Date.now(), {}, { head: loginHead(Date.now(), 'alice') }));
    same(
      await two.commit(id, delta(Date.now(), { cart: set('planted') })),
      { status: 'gone' },
      'a write begun before the login',
    );
    same((await one.load(id))?.fields.get('cart'), bytes('book'), 'the field');
  });
}

function dies(promised: Promised): void {
  promised(
    'what was saved is there after the process that saved it was killed, and the other one goes on',
    'writes that wait in the process; a lock that dies with its owner and is never released',
    async (one, two) => {
      const id = await created(one, session(Date.now(), { cart: 'book' }));
      same((await one.commit(id, delta(Date.now(), { cart: set('pen') }))).status, 'ok', 'the outcome');
      const beside = one.commit(id, delta(Date.now(), { more: set('x') })).catch(() => 'killed');
      await one.kill();
      await beside;
      same((await two.load(id))?.fields.get('cart'), bytes('pen'), 'the field in the other process');
      same(
        (await two.commit(id, delta(Date.now(), { cart: set('ink') }))).status,
        'ok',
        'a commit of the other process',
      );
      holds((await two.load(id)) !== null, 'The session is absent after a commit of the other process.');
    },
  );
}

async function onTwo(command: Command, sentence: string, lookAt: string, body: Test): Promise<void> {
  const stores = [new RemoteStore(command), new RemoteStore(command)] as const;
  try {
    await body(...stores);
    for (const store of stores) await store.close();
  } catch (error) {
    broken(sentence, lookAt, error);
  } finally {
    for (const store of stores) await store.kill();
  }
}

function isCommand(given: Partial<Command>): given is Command {
  return Array.isArray(given.command) && given.command.length > 0;
}

function noCommand(): Error {
  const wanted = 'must name a program and its arguments, for example [process.execPath, "open-my-store.js"]';
  return failure('SOJOURN_OPTION', { option: 'command of twoProcessKit', wanted });
}
