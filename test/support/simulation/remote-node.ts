/** A server as an application process holds it: a store whose every verb is a message there and one back. */
import type { Cell, Cells } from '../../../src/contract.js';
import type { AppProcess } from './app-process.js';
import type { Network } from './network.js';
import type { Keeps, Server } from './server.js';

export function remoteNode(network: Network, from: AppProcess, to: Server): Keeps {
  const call = <T>(verb: string, about: string, run: (store: Keeps) => T | Promise<T>, more?: string): Promise<T> =>
    network.call(from, to, verb, about, run, more) as Promise<T>;
  async function* all<T>(verb: string, about: string, walk: (store: Keeps) => AsyncIterable<T>): AsyncIterable<T> {
    yield* await call(verb, about, (store) => collected(walk(store)));
  }
  const cells: Cells = {
    read: (id) => call('read', id, (store) => store.cells.read(id)),
    replace: (id, expect, next, fence) => {
      const sent = [expect && copied(expect), copiedCell(next), fence && { ...fence }] as const;
      const more = ` ${expect ? hex(expect) : 'nothing'} by ${hex(next.mark)}`;
      return call('replace', id, (store) => store.cells.replace(id, ...sent), more);
    },
    remove: (id, expect) => {
      const sent = copied(expect);
      return call('remove', id, (store) => store.cells.remove(id, sent), ` ${hex(sent)}`);
    },
    fence: (slots, epoch) => {
      const sent = [...slots];
      return call('fence', `${sent.length} slots`, (store) => store.cells.fence(sent, epoch), ` for ${epoch}`);
    },
    byUser: (user) => all('list cells of', user, (store) => store.cells.byUser(user)),
    ids: () => all('list', 'cells', (store) => store.cells.ids()),
  };
  return {
    name: to.name,
    cells,
    load: (id) => call('load', id, (store) => store.load(id)),
    create: (id, session) => call('create', id, (store) => store.create(id, session)),
    commit: (id, delta) => call('commit', id, (store) => store.commit(id, delta)),
    destroy: (id) => call('destroy', id, (store) => store.destroy(id)),
    check: () => call('check', 'the server', () => []),
    byUser: (user) => all('list sessions of', user, (store) => store.byUser(user)),
    list: () => all('list', 'sessions', (store) => store.list()),
  };
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function copiedCell({ mark, bytes, ...rest }: Cell): Cell {
  return { ...rest, mark: copied(mark), bytes: copied(bytes) };
}

function copied(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes);
}

function hex(mark: Uint8Array): string {
  return Buffer.from(mark).toString('hex');
}
