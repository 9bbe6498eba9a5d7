/**
 * A store in one file that several processes share, right or wrong on purpose: what `twoProcessKit` is tried on.
 *
 * Called with the file and a flaw. 'none': a lock file makes each verb one step for all processes. 'no lock': it is left out.
 * 'snapshot': what was read once is believed for ever. 'late': an answer comes before the file has it.
 */
import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { apply, type Store, type Stored } from 'sojourn';
import { serveStore } from 'sojourn/testing';

const [file = '', flaw = 'none'] = process.argv.slice(2);
type Sessions = Map<string, Stored>;

const read = (): Sessions => {
  try {
    return deserialize(readFileSync(file)) as Sessions;
  } catch {
    return new Map();
  }
};

const write = (sessions: Sessions): void => {
  writeFileSync(`${file}.${process.pid}`, serialize(sessions));
  renameSync(`${file}.${process.pid}`, file);
};

let snapshot: Sessions | undefined;
const view = (): Sessions => {
  const believed = flaw === 'snapshot' ? snapshot : undefined;
  snapshot = believed ?? read();
  return snapshot;
};

/** Runs `change` on what is there, and writes it back, as one step for all processes. */
function step<T>(change: (sessions: Sessions) => T): T {
  if (flaw !== 'no lock') acquire();
  try {
    const sessions = view();
    if (flaw === 'no lock') pause(2);
    const answer = change(sessions);
    if (flaw === 'late') setTimeout(write, 200, sessions);
    else write(sessions);
    return answer;
  } finally {
    if (flaw !== 'no lock') rmdirSync(`${file}.lock`);
  }
}

function acquire(): void {
  for (;;) {
    try {
      mkdirSync(`${file}.lock`);
      return;
    } catch {
      if (isLeftBehind()) rmSync(`${file}.lock`, { recursive: true, force: true });
      else pause(1);
    }
  }
}

/** A process that was killed leaves its lock; no verb takes a second. With only one process left, nobody else can take it over. */
function isLeftBehind(): boolean {
  const since = statSync(`${file}.lock`, { throwIfNoEntry: false })?.mtimeMs;
  return since !== undefined && Date.now() - since > 1000;
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const store: Store = {
  name: 'shared file',
  load(id) {
    const stored = view().get(id);
    return stored && stored.head.expiresAt > Date.now() ? stored : null;
  },
  create: (id, session) =>
    step((sessions) => {
      if (sessions.has(id)) return 'exists';
      sessions.set(id, session);
      return 'ok';
    }),
  commit: (id, delta) =>
    step((sessions) => {
      const [outcome, next] = apply(sessions.get(id) ?? null, delta, Date.now());
      if (next) sessions.set(id, next);
      return outcome;
    }),
  destroy: (id) => step((sessions) => void sessions.delete(id)),
};

await serveStore(store);
