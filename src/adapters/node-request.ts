/**
 * A node:http request as the engine sees it.
 *
 * Headers that a proxy sets are believed only when the application said so: anybody can send `X-Forwarded-Proto: https`.
 * A request that carries such headers without that trust is marked `proxied`, so that the cookie transport can name the
 * setting that is missing instead of quietly sending a cookie that the browser drops.
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { RequestView } from '../contract.js';

export class NodeRequest implements RequestView {
  readonly #request: IncomingMessage;
  readonly #trustProxy: boolean;

  constructor(request: IncomingMessage, trustProxy: boolean) {
    this.#request = request;
    this.#trustProxy = trustProxy;
  }

  get secure(): boolean {
    if ((this.#request.socket as TLSSocket).encrypted === true) return true;
    return this.#trustProxy && firstOf(this.header('x-forwarded-proto')) === 'https';
  }

  get proxied(): boolean {
    if (this.#trustProxy) return false;
    const { headers } = this.#request;
    return (
      headers.forwarded !== undefined ||
      headers['x-forwarded-for'] !== undefined ||
      headers['x-forwarded-proto'] !== undefined
    );
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }
}

/** The proxy nearest to the client wrote the first one. */
function firstOf(list: string | undefined): string | undefined {
  return list?.split(',', 1)[0]?.trim().toLowerCase();
}
