/**
 * Looks whether a Redis can do what this store asks of it, before the first visitor finds out that it cannot.
 *
 * Every command is run once by itself, on keys of its own beside the sessions, then every script: what a user of Redis may do
 * hangs on commands, keys and channels, and only the server knows how the three meet. (An error from inside a script does not
 * say which command it was.) What is missing is an error that names it; what is only dangerous, or cannot be seen, comes back as a
 * sentence. Nothing is left behind; if this process dies half-way, what it wrote expires by itself.
 */
import { environment } from '../../core/environment.js';
import { pack } from '../../core/record.js';
import { failure, type SojournError } from '../../errors.js';
import type { Argument, Door, Node, Reply } from './door.js';
import * as keys from './keys.js';
import { run } from './script.js';
import { commitArguments, commitScript, hasCommitted } from './script-commit.js';
import { createArguments, createScript } from './script-create.js';
import { destroyReply, destroyScript } from './script-destroy.js';
import { fileScript } from './script-file.js';
import { codeOf, trouble } from './trouble.js';
import { freshValue, newMark } from './value.js';

export interface Checked {
  readonly door: Door;
  readonly store: string;
  readonly prefix: string;
  /** Undefined for the server's own clock. */
  readonly now: number | undefined;
}

/** Whose messages are about the sessions of a check, and so no news to anybody. */
export const CHECK_TAG = 'check';
/** What the keys of a check live, should nobody take them away. */
const LIFE_MS = 60_000;
/** SET with PXAT, ZADD with GT. Valkey tells a Redis version too, 7.2 at least. */
const OLDEST = [6, 2] as const;

/** Returns sentences for the operator. SOJOURN_STORE names the first thing that is missing. */
export async function check(checked: Checked): Promise<readonly string[]> {
  const masters = await asked(checked, 'find its servers', () => checked.door.masters());
  for (const master of masters) await checkVersion(checked, master);
  // Not the same for two processes that check at once.
  const id = `check-${Buffer.from(environment.random(8)).toString('hex')}`;
  await checkCommands(checked, id);
  await checkScripts(checked, id);
  const page = ['SCAN', '0', 'MATCH', `${checked.prefix}*`, 'COUNT', '1', 'TYPE', 'string'];
  for (const master of masters) await asked(checked, 'SCAN', () => master.send(page));
  const warnings = await Promise.all([mayPublish(checked, id), ...masters.map(mayEvict)]);
  return warnings.filter((sentence) => sentence !== undefined);
}

async function checkVersion({ store }: Checked, node: Node): Promise<void> {
  const info = await node.send(['INFO', 'server']).catch(() => null); // who may not ask is told by the commands themselves
  const [, major, minor] = /^redis_version:(\d+)\.(\d+)/m.exec(String(info)) ?? [];
  if (major === undefined || Number(major) > OLDEST[0]) return;
  if (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1]) return;
  throw missing(store, `Redis ${major}.${minor} is too old; it takes ${OLDEST.join('.')} or later, or Valkey`);
}

/** What the scripts and the walks are made of, one by one. */
async function checkCommands(checked: Checked, id: string): Promise<void> {
  const { prefix } = checked;
  const key = keys.sessionKey(prefix, id);
  const { bucket, entry } = keys.filingOf(prefix, id, id, 0);
  const life = String(LIFE_MS);
  const commands: readonly (readonly [name: string, key: string, ...rest: Argument[]])[] = [
    ['GET', key],
    ['SET', key, '', 'PX', life],
    ['SET', key, '', 'PXAT', String(Date.UTC(2100))],
    ['EXISTS', key],
    ['DEL', key],
    ['ZADD', bucket, 'GT', '1', entry],
    ['PTTL', bucket],
    ['PEXPIRE', bucket, life],
    ['ZSCAN', bucket, '0', 'MATCH', `${entry}*`, 'COUNT', '1'],
    ['ZREMRANGEBYSCORE', bucket, '-inf', '-inf'],
    ['ZREM', bucket, entry],
  ];
  for (const command of commands) await asked(checked, command[0], () => checked.door.send(command[1], command));
  await asked(checked, 'TIME', () => checked.door.send(key, ['TIME']));
  await asked(checked, 'EVAL', () => checked.door.send(key, ['EVAL', 'return 1', '1', key]));
}

/** One session from beginning to end. */
async function checkScripts(checked: Checked, id: string): Promise<void> {
  const { door, prefix, store, now } = checked;
  const key = keys.sessionKey(prefix, id);
  const createdAt = now ?? environment.now();
  const expiresAt = createdAt + LIFE_MS;
  const filing = keys.filingOf(prefix, id, id, keys.filedUntil(expiresAt));
  const value = freshValue(id, pack({ head: { createdAt, expiresAt, version: 1, generation: 0 }, fields: new Map() }));
  const index = door.isCluster ? '' : keys.indexPrefix(prefix);
  const call = { mark: newMark(), now, index, id, filed: filing.till };
  const login = { generation: 0, head: { expiresAt, generation: 1, user: id }, fields: new Map() };

  const filed = [now === undefined ? '' : String(now), filing.entry, String(filing.till)];
  await asked(checked, 'EVALSHA', () => run(door.send, fileScript, filing.bucket, filed));
  await asked(checked, 'create', () => run(door.send, createScript, key, createArguments(value, expiresAt, now)));
  const done = await asked(checked, 'commit', () => run(door.send, commitScript, key, commitArguments(call, login)));
  const ended = [index, id, keys.endedChannel(prefix), CHECK_TAG];
  const gone = await asked(checked, 'destroy', () => run(door.send, destroyScript, key, ended));
  if (door.isCluster) await door.send(filing.bucket, ['ZREM', filing.bucket, filing.entry]);
  if (!hasCommitted(done) || destroyReply(gone, id) !== id)
    throw missing(store, 'a session did not come back as it was written');
}

async function mayPublish({ door, prefix }: Checked, id: string): Promise<string | undefined> {
  const channel = keys.endedChannel(prefix);
  const refused = await door.send(channel, ['PUBLISH', channel, `${CHECK_TAG} ${id}`]).catch(codeOf);
  if (refused === 'NOPERM')
    return `Redis does not let this user PUBLISH to ${channel}: sessions that end here are not announced to other servers.`;
  return undefined;
}

/** Throwing out a session is a logout that nobody asked for; throwing out the index hides sessions from "log out everywhere". */
async function mayEvict(node: Node): Promise<string | undefined> {
  const info: Reply = await node.send(['INFO', 'memory']).catch(() => null);
  const [, policy] = /^maxmemory_policy:(\S+)/m.exec(String(info)) ?? [];
  const [, limit] = /^maxmemory:(\d+)/m.exec(String(info)) ?? [];
  if (policy === undefined) {
    return `Redis at ${node.name} does not tell this user its maxmemory-policy: see to it that it is noeviction.`;
  }
  if (policy === 'noeviction' || limit === '0') return undefined;
  return `Redis at ${node.name} has maxmemory-policy ${policy}: when it is full it will sign people out. Set noeviction.`;
}

/** One look at the server. What fails is told by our own name for it: the words of Redis quote the command. */
async function asked<T>({ store, prefix }: Checked, what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const code = codeOf(error);
    const words = error instanceof Error ? error.message : '';
    if (code === 'NOPERM') {
      const where = /\bkeys?\b/.test(words) ? ` on keys that begin with ${prefix}` : '';
      throw missing(store, `its user may not use ${what}${where}`, error);
    }
    if (code === 'ERR' && /^ERR unknown command/i.test(words)) throw missing(store, `it has no ${what}`, error);
    throw trouble(store, `check ${what}`, error);
  }
}

function missing(store: string, problem: string, cause?: unknown): SojournError {
  return failure('SOJOURN_STORE', { store, operation: 'use this Redis', problem }, cause);
}
