/**
 * Is there an order in which these operations could have happened, one at a time, with just these answers?
 *
 * The search of Wing and Gong with Lowe's memory: take any operation that was called before the first one still missing had
 * returned, try it on the model, go on; when stuck, take back. A set of operations done and a state that were met before are
 * not tried again. Sessions are independent of each other, so each is checked alone, which keeps the search short. An operation
 * whose outcome nobody knows may have happened at any time after its call, or never.
 *
 * The model is written here a second time, from the contract: comparing a store with the rule that it calls proves nothing.
 * Time does not pass in it, so nothing may expire in a history. Rejected: porcupine and knossos, which are not for Node.
 */

export type Fields = Readonly<Record<string, string>>;

/** What a `load` shows. */
export interface Seen {
  readonly fields: Fields;
  readonly secret: string;
  readonly generation: number;
  readonly version: number;
}

export type Asked =
  | { readonly verb: 'load' }
  | { readonly verb: 'create'; readonly session: Seen }
  | {
      readonly verb: 'commit';
      readonly generation: number;
      /** null deletes. */
      readonly set?: Readonly<Record<string, string | null>>;
      readonly swap?: Readonly<Record<string, readonly [expect: string | null, value: string | null]>>;
      /** A rotation: the secret that it replaces, and the new one. */
      readonly replaces?: string;
      readonly secret?: string;
      /** A login. */
      readonly nextGeneration?: number;
    }
  | { readonly verb: 'destroy' };

export type Answer =
  | Seen
  | null
  | 'ok'
  | 'exists'
  | 'gone'
  | 'never'
  | { readonly version: number }
  | { readonly conflict: Readonly<Record<string, string | null>> };

export interface Operation {
  readonly session: string;
  readonly asked: Asked;
  /** Ticks of one clock: whatever returned before another was called has the lower number. */
  readonly called: number;
  /** Absent while, or because, nobody knows the outcome. */
  readonly returned?: number;
  readonly answer?: Answer;
}

/** A session whose answers no order explains. */
export interface Refutation {
  readonly session: string;
  /** The longest order that was found, and what could not follow, for people to read. */
  readonly story: string;
}

/** Every session that is not linearizable; none is what one wants. */
export function refute(operations: readonly Operation[]): Refutation[] {
  const bySession = new Map<string, Operation[]>();
  for (const operation of operations) {
    const together = bySession.get(operation.session);
    if (together) together.push(operation);
    else bySession.set(operation.session, [operation]);
  }
  return [...bySession].flatMap(([session, own]) => {
    const story = search(own);
    return story === undefined ? [] : [{ session, story }];
  });
}

/** An event in time: a call, or its return. Linked, so that an operation can be taken out and put back at its place. */
interface Moment {
  readonly index: number;
  readonly at: number;
  readonly isCall: boolean;
  back: Moment;
  next: Moment | undefined;
  /** Of a call whose outcome is known. */
  return: Moment | undefined;
}

function search(operations: readonly Operation[]): string | undefined {
  const start = timeline(operations);
  const states = new States();
  const known = operations.map(isKnown);
  const done = new Uint32Array(Math.ceil(operations.length / 32));
  const tried = new Set<string>();
  const taken: { readonly call: Moment; readonly state: State }[] = [];
  let missing = known.filter(Boolean).length;
  let state = states.of(null);
  let best: { readonly order: readonly number[]; readonly state: State } = { order: [], state };
  let at = start.next;

  const mark = (index: number): void => {
    done[index >> 5] = (done[index >> 5] ?? 0) ^ (1 << (index & 31));
  };
  while (missing > 0) {
    if (at?.isCall) {
      const next = states.after(state, operations[at.index] as Operation, at.index);
      mark(at.index);
      const place = next && `${done.join()} ${next.number}`;
      if (next && place && !tried.has(place)) {
        tried.add(place);
        taken.push({ call: at, state });
        if (known[at.index]) missing--;
        takeOut(at);
        state = next;
        if (taken.length > best.order.length) best = { order: taken.map(({ call }) => call.index), state };
        at = start.next;
        continue;
      }
      mark(at.index);
      at = at.next;
      continue;
    }
    const last = taken.pop();
    if (!last) return story(operations, best.order, best.state);
    putBack(last.call);
    mark(last.call.index);
    if (known[last.call.index]) missing++;
    state = last.state;
    at = last.call.next;
  }
  return undefined;
}

function isKnown({ returned }: Operation): boolean {
  return returned !== undefined;
}

function timeline(operations: readonly Operation[]): Moment {
  const moments = operations.flatMap(({ called, returned }, index) => {
    const call = { index, at: called, isCall: true } as Moment;
    if (returned === undefined) return [call];
    call.return = { index, at: returned, isCall: false } as Moment;
    return [call, call.return];
  });
  moments.sort((a, b) => a.at - b.at);
  const start = { index: -1, at: -1, isCall: false } as Moment;
  let last = start;
  for (const moment of moments) {
    last.next = moment;
    moment.back = last;
    last = moment;
  }
  return start;
}

function takeOut(call: Moment): void {
  for (const moment of [call, call.return]) {
    if (!moment) continue;
    moment.back.next = moment.next;
    if (moment.next) moment.next.back = moment.back;
  }
}

/** In the opposite order: each remembers its neighbours as they were when it left. */
function putBack(call: Moment): void {
  for (const moment of [call.return, call]) {
    if (!moment) continue;
    moment.back.next = moment;
    if (moment.next) moment.next.back = moment;
  }
}

/** A state of the model: the session, or null before it was created and after it was destroyed. */
interface State {
  readonly number: number;
  readonly session: Seen | null;
  /** Where each operation led from here, by its index; null where it did not fit. */
  readonly after: Map<number, State | null>;
}

/** Equal states are one object with one number, so that they are compared once. */
class States {
  readonly #known = new Map<string, State>();

  of(session: Seen | null): State {
    const key = text(session);
    const known = this.#known.get(key);
    if (known) return known;
    const state: State = { number: this.#known.size, session, after: new Map() };
    this.#known.set(key, state);
    return state;
  }

  /** The state after this operation, or null if it cannot have been answered like this here. */
  after(state: State, { asked, answer, returned }: Operation, index: number): State | null {
    const known = state.after.get(index);
    if (known !== undefined) return known;
    const [expected, next] = model(state.session, asked);
    const fits = returned === undefined || text(expected) === text(answer as Answer);
    const after = !fits ? null : next === state.session ? state : this.of(next);
    state.after.set(index, after);
    return after;
  }
}

function model(session: Seen | null, asked: Asked): readonly [Answer, Seen | null] {
  if (asked.verb === 'load') return [session, session];
  if (asked.verb === 'destroy') return ['ok', null];
  if (asked.verb === 'create') return session ? ['exists', session] : ['ok', asked.session];
  return session && session.generation === asked.generation ? committed(session, asked) : ['gone', session];
}

function committed(session: Seen, asked: Asked & { verb: 'commit' }): readonly [Answer, Seen] {
  const swaps = Object.entries(asked.swap ?? {});
  const holds = (field: string): string | null => session.fields[field] ?? null;
  const isOvertaken = asked.replaces !== undefined && asked.replaces !== session.secret;
  if (isOvertaken || swaps.some(([field, [expect]]) => holds(field) !== expect)) {
    return [{ conflict: Object.fromEntries(swaps.map(([field]) => [field, holds(field)])) }, session];
  }
  const fields: Record<string, string> = { ...session.fields };
  for (const [field, value] of [
    ...Object.entries(asked.set ?? {}),
    ...swaps.map(([field, [, to]]) => [field, to] as const),
  ]) {
    if (value === null) delete fields[field];
    else fields[field] = value;
  }
  const version = session.version + 1;
  const secret = asked.secret ?? session.secret;
  return [{ version }, { fields, secret, generation: asked.nextGeneration ?? session.generation, version }];
}

const texts = new WeakMap<object, string>();

/** One text for equal answers, whatever the order of their fields. */
function text(answer: Answer): string {
  if (answer === null || typeof answer === 'string') return String(answer);
  let known = texts.get(answer);
  if (known === undefined) {
    known = JSON.stringify(answer, (_, value: unknown) =>
      typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    );
    texts.set(answer, known);
  }
  return known;
}

function story(operations: readonly Operation[], order: readonly number[], { session }: State): string {
  const line = ({ asked, answer, called, returned }: Operation): string =>
    `  [${called}, ${returned ?? '?'}] ${JSON.stringify(asked)} -> ${returned === undefined ? 'unknown' : text(answer as Answer)}`;
  const done = new Set(order);
  const open = operations.filter((operation, index) => !done.has(index) && isKnown(operation));
  const horizon = Math.min(...open.map(({ returned }) => returned as number));
  return [
    `${order.length} of ${operations.length} operations have an order. Its end:`,
    ...order.slice(-5).map((index) => line(operations[index] as Operation)),
    `after which the session is ${text(session)}, and none of these can follow:`,
    ...open.filter(({ called }) => called < horizon).map(line),
  ].join('\n');
}
