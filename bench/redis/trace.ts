/**
 * Who sent what to Redis: the commands that came from a client, apart from those that a script ran. INFO commandstats counts both
 * in one; MONITOR tells them apart, but costs so much that it has no place in a turn that is timed. So a few requests are traced
 * beforehand, and what their scripts ran is taken off the counts of the turns.
 */
import { createClient } from 'redis';

export type Commands = Readonly<Record<string, number>>;

export interface Traced {
  readonly requests: number;
  readonly sent: Commands;
  /** By scripts, inside of Redis: no trip of their own. */
  readonly scripted: Commands;
}

/** Heartbeats come by the clock, whoever asks for what. */
export const HEARTBEAT = 'ping';

export async function traced(port: number, requests: number, work: () => Promise<unknown>): Promise<Traced> {
  const [client, listening] = [clientOn(port), clientOn(port)];
  await Promise.all([client.connect(), listening.connect()]);
  const lines: string[] = [];
  const ended = `the trace ends ${Math.random()}`;
  let last = (): void => {};
  await listening.monitor((line) => {
    lines.push(String(line));
    if (String(line).includes(ended)) last();
  });
  const heard = new Promise<void>((resolve) => {
    last = resolve;
  });
  await work();
  await client.echo(ended);
  await heard;
  client.destroy();
  listening.destroy();
  return { requests, ...counted(lines.filter((line) => !line.includes(ended))) };
}

function clientOn(port: number) {
  const client = createClient({ socket: { port, host: '127.0.0.1' } });
  client.on('error', () => {});
  return client;
}

/** `1760000000.123456 [0 127.0.0.1:40000] "GET" "key"`, or `[0 lua]` in front of what a script ran. */
function counted(lines: readonly string[]): Pick<Traced, 'sent' | 'scripted'> {
  const [sent, scripted]: [Record<string, number>, Record<string, number>] = [{}, {}];
  for (const line of lines) {
    const [, source, text] = /^[\d.]+ \[\d+ ([^\]]+)\] "([^"]+)"/.exec(line) ?? [];
    const name = text?.toLowerCase();
    if (name === undefined || name === HEARTBEAT) continue;
    const counts = source === 'lua' ? scripted : sent;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return { sent, scripted };
}
