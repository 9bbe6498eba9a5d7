/**
 * What Redis did in a while, as it says itself: how often each command ran, and its CPU time. Asked by the load generator
 * between two turns, so that every turn has its own count; asking takes a fraction of a millisecond.
 */
import { createClient } from 'redis';

export interface RedisWork {
  /** By the command's name in lower case. Commands that a script ran are among them. */
  readonly calls: Readonly<Record<string, number>>;
  readonly cpuUs: number;
}

export interface Gauge {
  /** Since it was last asked. */
  sinceLast(): Promise<RedisWork>;
}

/** What the gauge itself adds. */
const OWN = ['info'];

export async function openGauge(port: number): Promise<Gauge> {
  const client = createClient({ socket: { port, host: '127.0.0.1' } });
  client.on('error', () => {});
  await client.connect();
  const reading = async (): Promise<RedisWork> =>
    readingOf(await client.info('commandstats'), await client.info('cpu'));
  let before = await reading();
  return {
    async sinceLast() {
      const now = await reading();
      const work = difference(before, now);
      before = now;
      return work;
    },
  };
}

function readingOf(commandstats: string, cpu: string): RedisWork {
  const calls = commandstats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm);
  const seconds = [...cpu.matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm)].map(([, text]) => Number(text));
  return {
    calls: Object.fromEntries([...calls].map(([, name, count]) => [name, Number(count)])),
    cpuUs: seconds.reduce((a, b) => a + b, 0) * 1e6,
  };
}

function difference(before: RedisWork, now: RedisWork): RedisWork {
  const calls = Object.entries(now.calls)
    .map(([name, count]) => [name, count - (before.calls[name] ?? 0)] as const)
    .filter(([name, count]) => count > 0 && !OWN.includes(name));
  return { calls: Object.fromEntries(calls), cpuUs: now.cpuUs - before.cpuUs };
}
