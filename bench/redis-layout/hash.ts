/**
 * The layout that was not chosen: a session as a Redis hash, a field for each field, and the head in fields of its own. Its
 * commit is what ours does, in as few calls as Redis allows: compare generation, deadline and what is swapped, then write.
 */
import { createHash } from 'node:crypto';
import type { Stored } from 'sojourn';

const COMMIT = `
local head = redis.call('HMGET', KEYS[1], '@expiresAt', '@generation', '@user', ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not head[1] or tonumber(head[1]) <= now or head[2] ~= ARGV[1] then return { 0 } end
if head[4] ~= ARGV[4] then return { 2, head[4] } end
redis.call('HSET', KEYS[1], '@expiresAt', ARGV[2], ARGV[3], ARGV[5])
local version = redis.call('HINCRBY', KEYS[1], '@version', 1)
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
redis.call('EXISTS', KEYS[1])
return { 1, version }`;

const sha = createHash('sha1').update(COMMIT).digest('hex');

type Part = string | Buffer;

export function hashScript(): Part[] {
  return ['SCRIPT', 'LOAD', COMMIT];
}

/** The commands that put a session there. */
export function hashCreate(key: string, { head, fields }: Stored): Part[][] {
  const parts: Part[] = ['@createdAt', String(head.createdAt), '@expiresAt', String(head.expiresAt)];
  parts.push('@version', String(head.version), '@generation', String(head.generation));
  if (head.secret) parts.push('@secret', Buffer.from(head.secret));
  if (head.user !== undefined) parts.push('@user', head.user, '@signedInAt', String(head.signedInAt));
  for (const [name, value] of fields) parts.push(name, Buffer.from(value));
  return [
    ['HSET', key, ...parts],
    ['PEXPIREAT', key, String(head.expiresAt)],
  ];
}

/** Swaps one field and moves the deadline. */
export function hashCommit(key: string, expiresAt: number, field: string, expect: string, value: string): Part[] {
  return ['EVALSHA', sha, '1', key, '1', String(expiresAt), field, expect, value];
}
