/** What `npm start -- ...` understands. Anything else is refused with a sentence and the list of what there is. */
import { parseArgs } from 'node:util';

export interface Arguments {
  readonly servers: number;
  readonly port: number;
  readonly data: string;
  /** Sessions in a ring of Redis servers, which are started as well. */
  readonly ring: boolean;
}

export const usage = `Usage: npm start -- [--servers 3] [--port 8080] [--data ./data] [--ring]
  --servers  how many application servers to start, 1 to 16
  --port     where the gateway listens, 1024 to 65535; the next free port is taken if it is in use
  --data     folder for sessions and cinema data; made when missing
  --ring     sessions on three Redis servers, started for it, two copies of each session`;

/** Throws an error whose message is for the person at the keyboard. */
export function readArguments(args: readonly string[]): Arguments & { readonly help: boolean } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      servers: { type: 'string', default: '3' },
      port: { type: 'string', default: '8080' },
      data: { type: 'string', default: './data' },
      ring: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.data === '') throw new Error('--data wants a folder.');
  return {
    servers: between('--servers', values.servers, 1, 16),
    port: between('--port', values.port, 1024, 65535),
    data: values.data,
    ring: values.ring,
    help: values.help,
  };
}

function between(name: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`${name} wants a whole number from ${least} to ${most}, got "${text}".`);
}
