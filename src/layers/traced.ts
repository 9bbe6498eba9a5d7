/**
 * What a store does, for tracers and dashboards: `traced(store, { otel })` makes OpenTelemetry spans and a histogram of durations;
 * without `otel` the same is told on node:diagnostics_channel (`sojourn.store`).
 *
 * Store, verb and outcome, or the error's code: never an id, a field or a value (traced/observer.ts). It goes anywhere: below a near cache
 * it shows what still reaches the store, above one what requests wait for, around a node of a ring what that node does.
 * All abilities pass (in-front-of.ts). Rejected: importing the API ourselves (two copies of it in one process do not know each
 * other's provider); spans of the engine's own steps (they take microseconds).
 */
import type { Celled, Cells, Indexed, Listable, Outcome, Replaced, Store, Sweepable } from '../contract.js';
import { checked, show } from '../core/options.js';
import { failure } from '../errors.js';
import { checkedStore } from './able.js';
import { inFrontOf } from './in-front-of.js';
import { channel } from './traced/channel.js';
import { codeOf, type Observer } from './traced/observer.js';
import { type OpenTelemetry, spans } from './traced/spans.js';

export type { StoreCall } from './traced/channel.js';
export type { OpenTelemetry, Span } from './traced/spans.js';

export interface TracedOptions {
  /** The OpenTelemetry API, as your application imports it. Without it: node:diagnostics_channel. */
  readonly otel?: OpenTelemetry;
}

type Walked = Partial<Pick<Indexed & Listable, 'byUser' | 'list'>>;

/**
 * `store`, whose calls are told of. SOJOURN_OPTION for an `otel` that is not the API.
 * @example
 * import * as otel from '@opentelemetry/api';
 * const s = sessions({ store: cached(traced(redis(client), { otel })) });
 */
export function traced<S extends Store>(store: S, options?: TracedOptions): S {
  const own = checked('traced', options, ['otel']);
  const below: Store & Walked & Partial<Sweepable & Celled> = checkedStore('store of traced', store);
  const observer = own.otel === undefined ? channel(store.name) : spans(checkedApi(own.otel), store.name);
  const { call } = observer;
  return inFrontOf(store, {
    load: (id: string, atLeast?: number) => call('load', () => below.load(id, atLeast), foundOrAbsent),
    create: (...args: Parameters<Store['create']>) => call('create', () => below.create(...args), itself),
    commit: (...args: Parameters<Store['commit']>) => call('commit', () => below.commit(...args), statusOf),
    destroy: (id: string) => call('destroy', () => below.destroy(id), done),
    ...(below.byUser && { byUser: (user: string) => walked(observer, 'byUser', () => below.byUser!(user)) }),
    ...(below.list && { list: () => walked(observer, 'list', () => below.list!()) }),
    ...(below.sweep && { sweep: (limit: number) => call('sweep', () => below.sweep!(limit), done) }),
    ...(below.check && { check: () => call('check', () => below.check!(), done) }),
    ...(below.cells && { cells: tracedCells(observer, below.cells) }),
  }) as S;
}

function tracedCells(observer: Observer, cells: Cells): Cells {
  const { call } = observer;
  const own: Cells = {
    read: (id) => call('cells.read', () => cells.read(id), foundOrAbsent),
    replace: (...args) => call('cells.replace', () => cells.replace(...args), statusOf),
    remove: (id, expect) => call('cells.remove', () => cells.remove(id, expect), done),
    fence: (slots, epoch) => call('cells.fence', () => cells.fence(slots, epoch), done),
    byUser: (user) => walked(observer, 'cells.byUser', () => cells.byUser(user)),
    ids: () => walked(observer, 'cells.ids', () => cells.ids()),
  };
  return inFrontOf(cells, own) as Cells;
}

/** 'left': who walked had seen enough. */
async function* walked<R>(observer: Observer, operation: string, walk: () => AsyncIterable<R>): AsyncIterable<R> {
  const ended = observer.walk(operation);
  let items = 0;
  let outcome = 'left';
  try {
    for await (const item of walk()) {
      items++;
      yield item;
    }
    outcome = 'ok';
  } catch (error) {
    outcome = codeOf(error);
    throw error;
  } finally {
    ended(outcome, items);
  }
}

const done = (): string => 'ok';
const itself = (answer: 'ok' | 'exists'): string => answer;
const foundOrAbsent = (answer: unknown): string => (answer === null ? 'absent' : 'found');
const statusOf = ({ status }: Outcome | Replaced): string => status;

function checkedApi(otel: OpenTelemetry): OpenTelemetry {
  if (typeof otel?.trace?.getTracer === 'function' && typeof otel.metrics?.getMeter === 'function') return otel;
  throw failure('SOJOURN_OPTION', {
    option: 'otel of traced',
    wanted: "must be the OpenTelemetry API: import * as otel from '@opentelemetry/api'",
    got: show(otel),
  });
}
