/**
 * Whose turn it is: plain round robin over the servers that answer.
 *
 * A server that did not take a connection is passed over until it answers its health address again, asked a few times a
 * second while it is down and never while it is up: requests themselves are the better probe. When nobody is up, all are
 * tried all the same, because trying a closed port costs nothing and the news may be old.
 */
import { get } from 'node:http';

export interface Upstream {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface Rotation {
  /** All servers, in the order in which this request should try them. */
  next(): Upstream[];
  failed(upstream: Upstream): void;
  close(): void;
}

const RECHECK_MS = 200;
const CHECK_TIMEOUT_MS = 1000;

export function rotation(upstreams: readonly Upstream[]): Rotation {
  const down = new Set<Upstream>();
  let turn = 0;
  const timer = setInterval(() => {
    for (const upstream of down) check(upstream, () => down.delete(upstream));
  }, RECHECK_MS);
  timer.unref();

  return {
    next() {
      const first = turn++ % upstreams.length;
      const turned = [...upstreams.slice(first), ...upstreams.slice(0, first)];
      return [...turned.filter((one) => !down.has(one)), ...turned.filter((one) => down.has(one))];
    },
    failed: (upstream) => void down.add(upstream),
    close: () => clearInterval(timer),
  };
}

function check({ host, port }: Upstream, isUp: () => void): void {
  const request = get({ host, port, path: '/healthz', timeout: CHECK_TIMEOUT_MS, agent: false }, (answer) => {
    answer.resume();
    if (answer.statusCode === 200) isUp();
  });
  request.on('timeout', () => request.destroy());
  request.on('error', () => undefined);
}
