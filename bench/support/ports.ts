/** Ports to listen on: drawn below the range out of which the system takes those of outgoing connections, until one is free. */

const [LOWEST_PORT, HIGHEST_PORT] = [10_000, 32_767];
const DRAWS = 50;

/** What `listen` makes of the first port that is free. It fails with EADDRINUSE for one that is not. */
export async function freePort<R>(listen: (port: number) => Promise<R>): Promise<R> {
  for (let draw = 1; ; draw++) {
    try {
      return await listen(LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT + 1)));
    } catch (error) {
      if (draw === DRAWS || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}
