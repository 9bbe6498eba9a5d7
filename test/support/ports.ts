/**
 * Ports for test servers, from 10000 to 32767.
 *
 * Above 32767 Linux hands out the ports of outgoing connections: a server that was promised one of those sometimes finds
 * it taken by somebody else's socket. Asking the system for "any free port" (port 0) gives exactly that range, so a port is
 * drawn here, tried, and given out. Between the trial and the server's own bind it may still be taken: `onFreePort` draws again.
 */
import { createServer } from 'node:net';

const LOWEST = 10_000;
const HIGHEST = 32_767;
const DRAWS = 50;

/** A port that nobody listened on a moment ago, and that was not given out before by this process. */
export async function freePort(): Promise<number> {
  for (let draw = 0; draw < DRAWS; draw++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (!given.has(port) && (await isFree(port))) {
      given.add(port);
      return port;
    }
  }
  throw new Error(`No free port between ${LOWEST} and ${HIGHEST} in ${DRAWS} draws.`);
}

/** Starts something on a free port, and once more on another port (three in all) when it says that the port was taken. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === 3 || !/EADDRINUSE|already in use/i.test(String(error))) throw error;
    }
  }
}

const given = new Set<number>();

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
