/**
 * What was sent to a Redis while something went on: by MONITOR, which tells commands of clients from those that a script ran.
 *
 * What connections do by themselves (their heartbeats, and what they say when they are opened) is left out; everything else counts.
 */
import { connect } from 'node:net';
import type { RedisServer } from './redis.js';

export type Commands = Readonly<Record<string, number>>;

/** By the connections themselves: PING, and the greeting of a new one. And what asking takes. */
const OWN = new Set(['ping', 'hello', 'client', 'info', 'select', 'subscribe', 'echo', 'monitor', 'dbsize']);

/** How often each command was sent while `work` ran. */
export async function commandsDuring(server: RedisServer, work: () => Promise<unknown>): Promise<Commands> {
  const monitor = await monitored(server);
  await work();
  const end = `the end ${Math.random()}`;
  await server.raw('ECHO', end);
  const lines = await monitor.until(end);
  const sent: Record<string, number> = {};
  for (const line of lines) {
    const [, source, command = ''] = /^\+[\d.]+ \[\d+ (\S+)\] "([^"]+)"/.exec(line) ?? [];
    const name = command.toLowerCase();
    if (source === undefined || source === 'lua' || OWN.has(name)) continue;
    sent[name] = (sent[name] ?? 0) + 1;
  }
  return sent;
}

/** How many commands the server has carried out so far, of clients and of scripts, by its own count. */
export async function calls(server: RedisServer): Promise<Commands> {
  const stats = String(await server.raw('INFO', 'commandstats'));
  const each = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = '', count]) => [
    name,
    Number(count),
  ]);
  return Object.fromEntries(each.filter(([name]) => !OWN.has(String(name).replace(/\|.*/, ''))));
}

async function monitored(server: RedisServer) {
  const socket = connect(server.port, '127.0.0.1');
  socket.setEncoding('latin1');
  let text = '';
  const has = (what: string) =>
    new Promise<void>((resolve) => {
      const look = (): void => {
        if (!text.includes(what)) return;
        socket.off('data', look);
        resolve();
      };
      socket.on('data', look);
      look();
    });
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write('MONITOR\r\n');
  await has('+OK');
  return {
    async until(end: string): Promise<readonly string[]> {
      await has(end);
      socket.destroy();
      return text.split('\r\n');
    },
  };
}
