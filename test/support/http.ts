/** A server of the test's own on loopback, and a browser's worth of cookies to talk to it. */
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { removeLater } from './cleanup.js';

export interface Served {
  readonly port: number;
  readonly url: string;
}

/** Listens on a free port of 127.0.0.1 until the test file ends. */
export async function serve(listener: RequestListener): Promise<Served> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const remove = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  removeLater({ remove, removeNow: () => server.closeAllConnections() });
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}` };
}

/** fetch with a cookie jar, and without following redirects. `cookies`: a jar to share. */
export function browser(served: Served, cookies: Map<string, string> = new Map()) {
  const { url } = served;
  return {
    served,
    cookies,
    async fetch(path: string, init: RequestInit = {}): Promise<Response> {
      const headers = new Headers(init.headers);
      if (cookies.size > 0) headers.set('Cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '));
      const response = await fetch(url + path, { redirect: 'manual', ...init, headers });
      for (const line of response.headers.getSetCookie()) {
        const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s);
        if (/max-age=0/i.test(line)) cookies.delete(name);
        else cookies.set(name, value);
      }
      return response;
    },
  };
}

/** Sends bytes as they are and collects the answer until the server closes or `until` has been seen. */
export function raw({ port }: Served, bytes: string | Uint8Array, until?: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const finish = () => {
      socket.destroy();
      resolve(text);
    };
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (until?.test(text)) finish();
    });
    socket.on('error', (error) => (text === '' ? reject(error) : finish()));
    socket.on('close', finish);
    socket.write(bytes);
  });
}
