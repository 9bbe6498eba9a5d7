/** The gateway before small servers of the test's own: turns, failures, headers, bodies. */
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { freePort } from '../../test/support/ports.js';
import { createGateway } from './gateway.js';
import type { Upstream } from './rotation.js';

const running: Server[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await shut(server);
});

async function shut(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function listen(server: Server, port?: number): Promise<number> {
  const own = port ?? (await freePort());
  running.push(server);
  await new Promise<void>((resolve) => server.listen(own, '127.0.0.1', resolve));
  return own;
}

const backend = async (name: string, answer: RequestListener): Promise<Upstream & { server: Server }> => {
  const server = createServer((req, res) => {
    res.setHeader('X-Served-By', name);
    answer(req, res);
  });
  return { name, host: '127.0.0.1', port: await listen(server), server };
};

/** Nobody listens there. */
const absent = async (name: string): Promise<Upstream> => ({ name, host: '127.0.0.1', port: await freePort() });

const gatewayTo = async (...upstreams: Upstream[]): Promise<string> =>
  `http://127.0.0.1:${await listen(createGateway(upstreams))}`;

const plain = (_req: IncomingMessage, res: ServerResponse) => void res.end('fine');
const echo = (req: IncomingMessage, res: ServerResponse) => void req.pipe(res);
const served = async (address: string, init?: RequestInit): Promise<string | null> => {
  const answer = await fetch(address, init);
  await answer.text();
  return answer.headers.get('x-served-by');
};

test('requests of one visitor take turns', async () => {
  const address = await gatewayTo(await backend('a', plain), await backend('b', plain), await backend('c', plain));
  const turns = [];
  for (let i = 0; i < 6; i++) turns.push(await served(address));
  expect(turns).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});

test.each(['GET', 'POST'])('a %s that meets a closed port goes to the next server, body and all', async (method) => {
  const address = await gatewayTo(await absent('a'), await absent('b'), await backend('c', echo));
  const answer = await fetch(address, method === 'POST' ? { method, body: 'seat=36' } : { method });
  expect([answer.status, await answer.text()]).toEqual([200, method === 'POST' ? 'seat=36' : '']);
});

test('a server that is down is passed over, and has its turn again when it is back', async () => {
  const gone = await absent('a');
  const address = await gatewayTo(gone, await backend('b', plain));
  expect([await served(address), await served(address), await served(address)]).toEqual(['b', 'b', 'b']);
  await listen(
    createServer((_req, res) => void res.setHeader('X-Served-By', 'a').end()),
    gone.port,
  );
  await expect.poll(() => served(address), { timeout: 10_000 }).toBe('a');
});

test('nobody left: 503 in JSON, signed by the gateway, so that nobody takes it for a server that cannot reach its sessions', async () => {
  const answer = await fetch(await gatewayTo(await absent('a'), await absent('b')));
  expect([answer.status, await answer.json()]).toEqual([503, { message: 'Service Unavailable' }]);
  expect(answer.headers.get('x-served-by')).toBe('gateway');
});

test('a read, or a PUT, whose server dies without a word is repeated elsewhere, once', async () => {
  let deaths = 0;
  const dying: RequestListener = (req) => {
    deaths++;
    req.socket.destroy();
  };
  const address = await gatewayTo(await backend('a', dying), await backend('b', plain));
  expect([await served(address), deaths]).toEqual(['b', 1]);
  const put = await gatewayTo(await backend('a', dying), await backend('b', echo));
  expect(await (await fetch(put, { method: 'PUT', body: 'seat=36' })).text()).toBe('seat=36');

  const hopeless = await gatewayTo(await backend('a', dying), await backend('b', dying), await backend('c', plain));
  expect([(await fetch(hopeless)).status, deaths]).toEqual([502, 4]);
});

test('a payment whose server dies in the middle is not sent again', async () => {
  const seen: string[] = [];
  const dying =
    (name: string): RequestListener =>
    (req) => {
      seen.push(name);
      req.resume().on('end', () => req.socket.destroy());
    };
  const address = await gatewayTo(await backend('a', dying('a')), await backend('b', dying('b')));
  const answer = await fetch(address, { method: 'POST', body: 'pay' });
  expect([answer.status, await answer.json(), seen]).toEqual([502, { message: 'Bad Gateway' }, ['a']]);
});

test('a server that dies in mid-answer breaks the answer off: half is not passed on as whole', async () => {
  const half: RequestListener = (_req, res) => {
    res.writeHead(200, { 'Content-Length': '1000' });
    res.write('only this', () => res.socket?.destroy());
  };
  const answer = await fetch(await gatewayTo(await backend('a', half), await backend('b', plain)));
  await expect(answer.text()).rejects.toThrow();
});

test('two cookies stay two, and a status of our own keeps its number', async () => {
  const answering: RequestListener = (_req, res) => {
    res.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2']);
    res.writeHead(233).end('{}');
  };
  const answer = await fetch(await gatewayTo(await backend('a', answering)));
  expect([answer.status, answer.headers.getSetCookie()]).toEqual([233, ['a=1; Path=/', 'b=2']]);
});

test('what a client claims about its address does not reach the servers; its host does', async () => {
  const address = await gatewayTo(await backend('a', (req, res) => void res.end(JSON.stringify(req.headers))));
  const claims = {
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-Proto': 'https',
    Forwarded: 'for=6.6.6.6',
    'X-Forwarded-Host': 'evil',
  };
  const headers = (await (await fetch(address, { headers: claims })).json()) as Record<string, string>;
  const host = address.slice('http://'.length);
  expect(headers).toMatchObject({
    host,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': host,
  });
  expect(headers.forwarded).toBeUndefined();
});

test('headers of one hop stay on it, also those that Connection names', async () => {
  const address = await gatewayTo(
    await backend('a', (req, res) => void res.end(req.rawHeaders.join('\n').toLowerCase())),
  );
  const { port } = new URL(address);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text)).on('error', reject);
    socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: close, X-Secret-Hop\r\nX-Secret-Hop: 1\r\nTE: trailers\r\nX-Kept: 1\r\n\r\n',
    );
  });
  expect(answer).toContain('x-kept');
  expect(answer).not.toContain('x-secret-hop');
  expect(answer).not.toContain('trailers');
});

test('five megabytes go through in both directions, with and without a length', async () => {
  const address = await gatewayTo(await backend('a', echo));
  const body = Buffer.alloc(5_000_000, 'seats');
  const known = await fetch(address, { method: 'POST', body });
  expect(Buffer.compare(Buffer.from(await known.arrayBuffer()), body)).toBe(0);
  const chunks = new Blob([body]).stream();
  const streamed = await fetch(address, { method: 'POST', body: chunks, duplex: 'half' } as RequestInit);
  expect(Buffer.compare(Buffer.from(await streamed.arrayBuffer()), body)).toBe(0);
});

test('a visitor who leaves takes his request with him', async () => {
  let outgoing: ClientRequest | undefined;
  await new Promise<void>((resolve, reject) => {
    const seen: RequestListener = (req) => {
      req.socket.on('close', () => resolve());
      outgoing?.destroy();
    };
    backend('a', seen)
      .then((upstream) => gatewayTo(upstream))
      .then((address) => {
        outgoing = request(address).on('error', () => undefined);
        outgoing.end();
      })
      .catch(reject);
  });
});

test('HEAD and 304 have no body and do not wait for one', async () => {
  const address = await gatewayTo(
    await backend('a', (req, res) => {
      if (req.url === '/old') res.writeHead(304, { ETag: '"1"' }).end();
      else res.writeHead(200, { 'Content-Length': '5' }).end('hello');
    }),
  );
  const head = await fetch(address, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', '']);
  expect((await fetch(`${address}/old`)).status).toBe(304);
});
